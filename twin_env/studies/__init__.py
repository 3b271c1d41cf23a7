"""What plays markets to measure them: realism, calibration, impact, search, chaos runs."""
