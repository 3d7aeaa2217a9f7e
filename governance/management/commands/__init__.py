"""Shell entry points, one command a file."""
