"""Fills empty databases with a company that has been at work for years.

`models` makes the pieces, `ways` the lives that orders have had, `statements` the SQL that makes
the rows, in both databases from the same numbers, and `seed` runs it.
"""
