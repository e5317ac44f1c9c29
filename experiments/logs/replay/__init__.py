"""The value of joint data on a real log: learned valuations, bids, replay and intervals."""
