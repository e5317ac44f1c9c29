"""The command line: `main.main` is the console script `jointbid`."""
