"""Whether a model that was built again is the one that was submitted. Pure of Django."""
