"""The law of the log: whatever is done, what was published stays a part of what is."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select
from sqlmodel import col

from governance.evidence import merkle
from governance.evidence.checkpoint import Checkpoint
from governance.kernel.database import Database
from governance.ledger import Ledger, tree
from governance.ledger.publisher import Publisher
from governance.ledger.tables import LogLeaf
from tests.ledger.samples import cancelled, entries, write

APPEND, BURST, INTEGRATE, PUBLISH, ERASE, FAIL = range(6)
steps = st.lists(st.integers(APPEND, FAIL), min_size=1, max_size=6)


class Log:
    """A log that only grows; remembers what it has ever published."""

    def __init__(self, database: Database, ledger: Ledger, folder: Path) -> None:
        self.database, self.ledger = database, ledger
        self.publisher = Publisher(database, ledger.keyring, folder / "guard", interval=1)
        self.leaves: list[bytes] = []
        self.heads: list[Checkpoint] = []
        self.person = "usr_" + "7" * 32

    def take(self, step: int) -> None:
        if step == APPEND:
            write(self.database, self.ledger, entries("gen_1", subject=self.person)[0])
        elif step == BURST:
            write(self.database, self.ledger, *[cancelled("gen_2")] * 150)
        elif step == INTEGRATE:
            self.database.write(tree.integrate)
        elif step == PUBLISH:
            self.heads.append(self.publisher.publish())
        elif step == ERASE:
            self.database.write(
                lambda c: self.ledger.erase(c, self.person, basis="request", by=self.person)
            )
        else:
            self.fail()

    def fail(self) -> None:
        def half_way(connection: Connection) -> None:
            self.ledger.append(connection, cancelled("gen_3"))
            tree.integrate(connection)
            raise InterruptedError

        try:
            self.database.write(half_way)
        except InterruptedError:
            return

    def require_law(self) -> None:
        with self.database.read() as session:
            connection = session.connection()
            now = self._leaves(connection)
            assert now[: len(self.leaves)] == self.leaves, "a leaf was changed"
            self.leaves = now
            head = tree.root(connection, len(now))
            assert head == merkle.root(now)
            for earlier in {old.size: old for old in self.heads if old.size}.values():
                proof = tree.consistency(connection, earlier.size, len(now))
                merkle.verify_consistency(earlier.size, len(now), earlier.root, head, proof)
            for index in {0, len(now) // 2, len(now) - 1} if now else ():
                proof = tree.inclusion(connection, index, len(now))
                merkle.verify_inclusion(index, len(now), now[index], proof, head)

    def _leaves(self, connection: Connection) -> list[bytes]:
        hashes = connection.execute(select(col(LogLeaf.hash)).order_by(col(LogLeaf.idx)))
        return [bytes.fromhex(value) for value in hashes.scalars()]


def test_whatever_is_done_the_log_only_grows(
    database: Database, ledger: Ledger, tmp_path: Path
) -> None:
    """One log for all examples: each continues what the last one left."""
    log = Log(database, ledger, tmp_path)

    @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
    @given(steps)
    def grow(chosen: list[int]) -> None:
        for step in chosen:
            log.take(step)
            log.require_law()

    grow()
    log.take(PUBLISH)
    log.require_law()
    assert log.heads
