"""Tables and connections of the platform's two databases."""
