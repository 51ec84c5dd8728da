"""Every table of the service, imported once so that the metadata is complete."""

from governance.identity import tables as identity_tables  # noqa: F401
from governance.kernel import epoch  # noqa: F401
from governance.ledger import tables as ledger_tables  # noqa: F401
from governance.lifecycle import tables as lifecycle_tables  # noqa: F401
from governance.marking import tables as marking_tables  # noqa: F401
from governance.notifications import tables as notifications_tables  # noqa: F401
from governance.policy import tables as policy_tables  # noqa: F401
from governance.productions import tables as productions_tables  # noqa: F401
from governance.review import tables as review_tables  # noqa: F401
from governance.rights import tables as rights_tables  # noqa: F401
from governance.spending import tables as spending_tables  # noqa: F401
