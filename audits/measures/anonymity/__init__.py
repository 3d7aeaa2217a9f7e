"""How well records hide among each other: classes of equal records, their diversity, and the columns that single out."""
