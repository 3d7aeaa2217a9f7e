"""How well one of several classes is predicted: the confusion table and what follows from it. Pure."""
