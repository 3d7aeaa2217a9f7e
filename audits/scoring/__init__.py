"""Running models, wherever they run: sources, the port that checks ask, and how it is opened. Pure of Django."""
