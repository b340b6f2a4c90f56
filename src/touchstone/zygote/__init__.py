"""The process that has imported the platform: those of sandboxes are forked from it."""
