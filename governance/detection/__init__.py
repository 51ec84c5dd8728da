"""What a file is and whether this service released it: readers, records and proofs together."""
