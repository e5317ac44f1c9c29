"""What a log contains, and warnings on it."""
