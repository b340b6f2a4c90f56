"""Where files are kept for good, and customers' models among them."""
