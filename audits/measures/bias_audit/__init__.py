"""Bias audits in the shape of New York City's Local Law 144: categories, rates, impact ratios, the published tables."""
