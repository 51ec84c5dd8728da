"""The snapshot in use, renewed as soon as any process has changed a role or who holds it."""

from sqlalchemy import Connection
from sqlmodel import Session

from governance.kernel import epoch
from governance.kernel.database import Database
from governance.policy import assignments, roles
from governance.policy.authorization import Snapshot, compile_snapshot
from governance.policy.rules import Policy


class PolicyStore:
    """One per process. `policy` is fixed at start; custom roles and who holds which role follow the
    database's epoch.
    """

    def __init__(self, database: Database, policy: Policy) -> None:
        self.policy = policy
        self._database = database
        with database.read() as session:
            self._snapshot = self._read(session.connection())

    def current(self) -> Snapshot:
        """The snapshot of what is committed now: one SELECT, and a reload when it tells of change.

        Reads committed rows only, so call it before a write, not inside one.
        """
        with self._database.read() as session:
            return self.seen_by(session)

    def seen_by(self, session: Session) -> Snapshot:
        """The same, as of what a session that is open already can see."""
        connection = session.connection()
        return self.as_of(connection, epoch.current(connection))

    def as_of(self, connection: Connection, number: int) -> Snapshot:
        """The same for whoever has read the epoch already, in the same snapshot."""
        snapshot = self._snapshot
        if number != snapshot.epoch:
            snapshot = self._snapshot = self._read(connection)
        return snapshot

    def _read(self, connection: Connection) -> Snapshot:
        # The epoch first: if a change slips in between, the next call sees it and reads again.
        number = epoch.current(connection)
        rows = assignments.stored(connection)
        return compile_snapshot(roles.effective(connection, self.policy), rows, number)
