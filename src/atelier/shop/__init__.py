"""The internet shop: what a customer sees."""
