"""How far predicted numbers are from what happened, with an interval each. Pure."""
