"""A run against a platform that is deployed somewhere, instead of sandboxes."""
