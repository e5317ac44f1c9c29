"""One reader a log format."""
