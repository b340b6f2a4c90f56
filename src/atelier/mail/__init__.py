"""E-mails to customers: one for each step of an order that they want to hear of.

A consumer writes down which letters are due (`due`), a sender composes (`composing`) and sends
them (`sender`, `transport`). Partners get webhooks instead.
"""
