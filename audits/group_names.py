"""The name of the group of rows that name none. Pure, and light enough for rules to read."""

from __future__ import annotations

UNKNOWN = "unknown"
