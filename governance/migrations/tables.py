"""Every table of the service, imported once so that the metadata is complete."""

from governance.ledger import tables as ledger_tables  # noqa: F401
from governance.review import tables as review_tables  # noqa: F401
