"""Personal data in tables: who could be known from which column, by name, pattern, checksum and share of hits."""
