"""One operation each: state, history and outbox row in one transaction."""
