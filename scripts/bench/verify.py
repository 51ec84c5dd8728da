"""How many records a CPU-second the offline verifier checks, and how much memory it takes.

The bundle is made and verified in processes of their own: making it counts towards neither figure.

Usage: python scripts/bench/verify.py [records]
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from figures import generation, print_figures, print_machine

RECORDS = 10_000
ORIGIN = "bench.example/log"
TIME = "2026-11-22T12:00:00.000000Z"


def main(records: int) -> None:
    print_machine("pynacl", "orjson", "jsonschema-rs")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "evidence.zip"
        root = call("build", str(file), str(records))
        size = file.stat().st_size / 1e6
        figures = json.loads(call("check", str(file), root))
    seconds = figures["cpu_seconds"]
    print(f"{records} records, {size:.1f} MB as a zip, verified in {seconds:.2f} CPU-seconds")
    print_figures(
        {
            "records_per_cpu_second": round(records / seconds),
            "peak_memory_mb": figures["peak_memory_mb"],
        }
    )


def call(*arguments: str) -> str:
    """This script in a process of its own; what it printed."""
    done = subprocess.run(
        [sys.executable, __file__, *arguments], check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout.strip()


def build(file: Path, records: int) -> None:
    """Write a bundle of generations told by `records` records; print the root fingerprint."""
    from governance.evidence import bundle, checkpoint, disclosure, keys, manifest, merkle, record

    root, signer, log = (keys.SeedSigner.from_seed(bytes([n]) * 32) for n in (1, 2, 3))
    grants = [
        manifest.Grant("root", root.public),
        manifest.Grant("record", signer.public),
        manifest.Grant("log", log.public),
    ]
    chain = manifest.seal(1, "", ORIGIN, grants, root) + b"\n"
    sealed: list[record.Record] = []
    opened: list[tuple[str, str]] = []
    told = generation()
    for number in range(records):
        turn, seq = divmod(number, len(told))
        event, body, private = told[seq]
        made = [disclosure.disclose(name, value, b"s" * 16) for name, value in private]
        draft = record.Draft(
            id=f"rec_{number:032x}",
            event=event,
            occurred_at=TIME,
            stream=f"gen_{turn:032x}",
            seq=seq,
            prev=sealed[-1].leaf if seq else record.ZERO,
            producer={"version": "bench", "build": "bench"},
            body=body,
            sd=tuple(item.digest for item in made),
        )
        sealed.append(record.seal(draft, signer))
        opened += [(draft.id, item.text) for item in made]
    leaves = [bytes.fromhex(item.leaf) for item in sealed]
    head = checkpoint.Checkpoint(ORIGIN, len(leaves), merkle.root(leaves))
    contents = bundle.Contents(
        scope={"complete": True, "organisation": "acme", "project": None},
        note=checkpoint.sign(head, log),
        chain=chain,
        leaves=[leaf.hex() for leaf in leaves],
        records=list(enumerate(item.line for item in sealed)),
        disclosures=opened,
        policies={told[1][1]["policy"]: b'{"packs":[]}'},
    )
    file.write_bytes(bundle.build(contents, manifest.verify(chain, root.keyid)))
    print(root.keyid)


def check(file: Path, root: str) -> None:
    """Verify the bundle; print CPU-seconds and peak memory of this process."""
    from governance.evidence.verify import verify_file

    start = time.process_time()
    verdict = verify_file(file, root)
    seconds = time.process_time() - start
    if verdict.failure is not None:
        raise SystemExit(verdict.failure.message)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu_seconds": seconds, "peak_memory_mb": round(peak)}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["build"]:
        build(Path(sys.argv[2]), int(sys.argv[3]))
    elif sys.argv[1:2] == ["check"]:
        check(Path(sys.argv[2]), sys.argv[3])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS)
