"""What could be done about unequal treatment, and what it would cost: thresholds by group, and fairlearn's reductions."""
