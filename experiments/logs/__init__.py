"""Real auction logs: readers, inspection, replay and calibration."""
