"""What other programs load; each stands alone and imports nothing of this package."""
