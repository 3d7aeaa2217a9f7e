"""Whether data can be relied on: completeness, validity, duplicates, leakage of the label, overlap, freshness."""
