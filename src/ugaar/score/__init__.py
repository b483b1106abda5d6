"""Music as notes: windows, quantisation, lyrics text and splits."""
