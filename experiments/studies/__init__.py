"""Studies: which cells each needs, and what they say."""
