"""Readers that turn scores and MIDI files into songs."""
