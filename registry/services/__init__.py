"""Writes of the registry: ``verb_noun(*, actor, ...)``, one transaction each, ledger entry within it."""
