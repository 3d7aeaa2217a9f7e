"""How well features give away a sensitive attribute: all of them together, and each by itself."""
