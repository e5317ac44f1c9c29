"""The bidders' brains: valuations say what an impression is worth, policies turn that into a bid."""
