"""Policies, which turn a value into a bid: one family a file."""
