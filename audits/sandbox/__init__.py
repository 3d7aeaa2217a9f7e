"""Where what we do not trust is run: limits, walls, and the conversation through them. Pure of Django."""
