"""Money: budgets that hold, what customers are charged, and whether vendors' invoices agree."""
