"""Settings, overrides, composition, checks and their messages: from the command line's text to validated settings."""
