"""Whether the predictions that were submitted are those that the model gives. Pure of Django."""
