"""The list of all active work: a read model in Redis, kept current from PostgreSQL."""
