"""What a request or an event leaves behind for whoever watches: traces, metrics, log lines."""
