"""The list of all active work: a read model in Redis, kept current from PostgreSQL.

`rows` and `chunks` know what the list looks like, and do no I/O. `changes` asks PostgreSQL,
`readmodel` is the list in Redis, `projector` keeps it current, `feed` tells the open pages, and
`source` gives the list, from Redis or, while it is not there, from PostgreSQL. `live` is all of
them in one process.
"""
