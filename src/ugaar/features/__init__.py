"""Encoders of audio, sheet music and lyrics."""
