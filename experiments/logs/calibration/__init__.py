"""A scenario fitted to a log, and the page that compares the two."""
