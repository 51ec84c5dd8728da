"""Review by people: queue, claims, decisions, separation of duties, reasons."""
