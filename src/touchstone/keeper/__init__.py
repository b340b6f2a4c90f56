"""Who owns what a run starts: servers, sandboxes and their processes, all of which end with it."""
