"""How many recorded decisions a second are read from the log and taken again under other rules.

SQLite; each decision has an input of its own. Reading verifies nothing: it opens the envelope and
checks the body against its schema. Comparing decides twice, under the old rules and the new.

Usage: python scripts/bench/whatif.py [decisions]
"""

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from figures import print_figures, print_machine

from governance import migrations
from governance.kernel import ids
from governance.kernel.database import Database
from governance.kernel.settings import packaged
from governance.ledger import Entry, Ledger, keyring
from governance.policy import Policy, as_body, cases, decide, load
from governance.policy.coverage import coverage
from governance.policy.recorded import decided
from governance.policy.whatif import compare

BATCH = 256
SINCE = datetime(2000, 1, 1, tzinfo=UTC)


def main(decisions: int) -> None:
    print_machine("sqlalchemy", "orjson", "jsonschema-rs")
    policy = load(packaged("policies"))
    print(f"{decisions} decisions, {len(policy.rules)} rules")
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/bench.sqlite3")
        migrations.upgrade(database)
        fill(database, Path(folder), policy, decisions)
        figures = measure(database, policy, decisions)
        database.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print_figures({**figures, "peak_memory_mb": peak})


def fill(database: Database, folder: Path, policy: Policy, decisions: int) -> None:
    ledger = Ledger(keyring.load_or_create(folder / "keys", "bench.example/log"))
    batch: list[Entry] = []
    for entry in entries(policy, decisions):
        batch.append(entry)
        if len(batch) == BATCH:
            database.write(partial(ledger.append_all, entries=batch))
            batch = []
    if batch:
        database.write(partial(ledger.append_all, entries=batch))


def entries(policy: Policy, decisions: int) -> Iterator[Entry]:
    """One decision each about as many generations, in turns about every scenario of the cases."""
    suite = cases.read(packaged("policies"))
    inputs = [cases.changed(suite.base, s["given"]) for s in suite.scenarios.value]
    bodies = [as_body(decide(policy, facts)) for facts in inputs]
    for number in range(decisions):
        body: dict[str, Any] = bodies[number % len(bodies)]
        body = {**body, "input": {**body["input"], "width": 640 + number}}
        yield Entry(ids.new_id("gen"), "policy.decided", body, "org/acme/project/launch")


def measure(database: Database, policy: Policy, decisions: int) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name, work in (
        ("covered", lambda recorded: coverage(policy, recorded)),
        ("compared", lambda recorded: compare(policy, policy, recorded)),
    ):
        start = time.process_time()
        with database.read() as session:
            work(decided(session, "acme", None, SINCE))
        figures[f"decisions_{name}_per_cpu_second"] = round(
            decisions / (time.process_time() - start)
        )
    return figures


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3_000)
