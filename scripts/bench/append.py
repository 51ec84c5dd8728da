"""How many records a CPU-second appends, durably: schema, stream, disclosures and signature.

SQLite in WAL mode with synchronous=FULL, 1, 16 and 256 records a commit; then their integration
into the tree, with a signed checkpoint at the end. CPU time is that of the whole process.

Usage: python scripts/bench/append.py [records]
"""

import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from figures import generation, print_figures, print_machine

from governance import migrations
from governance.kernel import ids
from governance.kernel.database import Database
from governance.ledger import Entry, Ledger, keyring
from governance.ledger.publisher import Publisher

BATCHES = (1, 16, 256)


def main(records: int) -> None:
    print_machine("sqlalchemy", "pynacl", "orjson", "jsonschema-rs")
    print(f"SQLite {sqlite3.sqlite_version}, {records} records for each batch size")
    figures: dict[str, float] = {}
    for batch in BATCHES:
        appended, integrated = run(records, batch)
        figures[f"records_per_cpu_second_{batch}"] = appended
        figures["integrated_per_cpu_second"] = integrated
    print_figures(figures)


def run(records: int, batch: int) -> tuple[int, int]:
    """Records per CPU-second appended with `batch` a commit, and integrated."""
    with tempfile.TemporaryDirectory() as folder:
        keys = keyring.load_or_create(Path(folder) / "keys", "bench.example/log")
        ledger = Ledger(keys)
        database = Database(f"sqlite:///{folder}/bench.sqlite3")
        migrations.upgrade(database)
        batches = cut(entries(records), batch)
        what = f"append, {batch} a commit"
        appended = rate(what, records, lambda: append(database, ledger, batches))
        publisher = Publisher(database, keys, Path(folder) / "guard", interval=1)
        integrated = rate("integrate and publish", records, publisher.publish)
        database.close()
    return appended, integrated


def entries(count: int) -> list[Entry]:
    """Records of as many generations as it takes, each with its own data subject."""
    made: list[Entry] = []
    while len(made) < count:
        stream, subject = ids.new_id("gen"), ids.new_id("usr")
        made += [
            Entry(stream, event, body, "org/acme/project/launch", (), private, subject)
            for event, body, private in generation()
        ]
    return made[:count]


def cut(made: list[Entry], size: int) -> list[list[Entry]]:
    return [made[start : start + size] for start in range(0, len(made), size)]


def append(database: Database, ledger: Ledger, batches: list[list[Entry]]) -> None:
    for batch in batches:
        database.write(partial(ledger.append_all, entries=batch))


def rate(what: str, records: int, work: Callable[[], object]) -> int:
    """Records per CPU-second; prints wall time too."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{what:<24} {records / wall:8.0f} a second, {records / cpu:8.0f} a CPU-second")
    return round(records / cpu)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000)
