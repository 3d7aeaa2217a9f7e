"""A challenger beside the champion, row by row: pairing by key, flips, slices, what decisions are worth. Pure."""
