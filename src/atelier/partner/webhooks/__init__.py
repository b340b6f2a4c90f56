"""Webhooks: which events a partner is told of, where, and how they are delivered."""
