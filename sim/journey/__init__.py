"""Accounts on their way to a purchase: the law by which they move, their state, and the compiled pass that moves it."""
