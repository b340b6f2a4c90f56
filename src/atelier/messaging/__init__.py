"""Reliable messages between the services: outbox, relay, consumers.

A state change, its history and its event are one transaction (`outbox`). The relay publishes what
the outbox holds and forgets it only when the broker has confirmed. A consumer acknowledges only
after its own transaction, and takes notice of each event once.
"""
