"""Fills empty databases with a company that has been at work for years."""
