"""Shapley values and what is made of them: pure numbers, with no model, no file and no Django."""
