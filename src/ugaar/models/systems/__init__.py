"""Audio-sheet systems, a module each: OPTIONS, and build(options, seed) for the network."""
