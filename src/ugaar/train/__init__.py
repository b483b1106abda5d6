"""Training loops, checkpoints and histories."""
