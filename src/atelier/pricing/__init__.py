"""Pricing: a worker; over HTTP it only tells of its health."""
