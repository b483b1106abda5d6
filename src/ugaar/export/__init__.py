"""Tables in formats that other programs read."""
