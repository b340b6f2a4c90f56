"""Where PostgreSQL, RabbitMQ and Redis come from: programs of this machine, or containers."""
