"""What keeps a run from being green, or endless, when it should not be."""
