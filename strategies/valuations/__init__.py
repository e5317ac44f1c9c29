"""What an impression is worth, given what is visible: exact under the true model, learned, and combined."""
