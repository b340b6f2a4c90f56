"""Browsers, one a worker, and windows in them that know of no other test."""
