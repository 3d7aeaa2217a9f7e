"""The main job, told with real mortgage decisions: ``bin/demo``."""
