"""A bidding strategy for jointbid."""
