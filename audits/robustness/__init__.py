"""How a model bears inputs that are a little wrong, missing, unseen or out of range, and whether it keeps its promises."""
