"""Reads for pages: each gathers what one page shows, in a number of queries that does not grow with its rows."""
