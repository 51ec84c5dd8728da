"""Productions: what many requests share, and how their results descend from each other."""
