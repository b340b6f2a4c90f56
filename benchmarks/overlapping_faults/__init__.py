"""Orders on their way while several things break at once: nothing may get lost."""
