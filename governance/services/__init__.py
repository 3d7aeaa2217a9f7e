"""Writes of the governance package: ``verb_noun(*, actor, ...)``, one transaction each, ledger entry within it."""
