"""Where the data are counted: one port of three operations, and the engines behind it. Pure of Django."""
