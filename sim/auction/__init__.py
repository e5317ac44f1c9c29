"""What a request meets: ranking, charging, booking and frequency caps, in one compiled loop (``kernel.clear``)."""
