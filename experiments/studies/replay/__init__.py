"""Studies on a log."""
