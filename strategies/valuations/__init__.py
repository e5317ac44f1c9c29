"""Valuations, which price an impression by its visible columns: exact under the true model, learned, and combined."""
