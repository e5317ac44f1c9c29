"""Bidders that learn by playing: markets as environments of Gymnasium and PettingZoo, and runs as data for offline learners."""
