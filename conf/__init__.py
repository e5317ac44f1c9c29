"""The configuration that ships with jointbid: YAML alone, one folder a Hydra group, read as ``pkg://jointbid.conf``."""
