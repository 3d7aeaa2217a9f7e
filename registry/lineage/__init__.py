"""Lineage as plain data: names of places and columns, what somebody states of them, and the graph that results. Pure."""
