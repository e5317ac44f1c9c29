"""What a log holds, and what to beware of in it."""
