"""Evidence kept in SQL: append within the caller's transaction, publish, prove, erase, export."""

from governance.ledger.ledger import SERVICE, Entry, Ledger, read_stream

__all__ = ["SERVICE", "Entry", "Ledger", "read_stream"]
