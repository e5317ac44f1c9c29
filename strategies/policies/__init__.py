"""From a valuation to a bid: one family a file."""
