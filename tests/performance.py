"""One performance of the demonstration, which several test files look at."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HOUSE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Played:
    """How the demonstration ended, what it said, where it left its files."""

    status: int
    out: str
    err: str
    cpu: float  # seconds, of all its processes
    folder: Path

    @property
    def root(self) -> str:
        return (self.folder / "data" / "keys" / "root-fingerprint.txt").read_text().strip()


def play(folder: Path) -> Played:
    """Into a new folder, in a process of its own, on a terminal without a language."""
    plain = {"PATH": os.environ["PATH"], "HOME": str(folder.parent), "PYTHONPATH": str(HOUSE)}
    before = _cpu()
    ended = subprocess.run(
        [sys.executable, "-m", "governance", "demo", "--out", str(folder)],
        cwd=folder.parent,
        env=plain,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return Played(ended.returncode, ended.stdout, ended.stderr, _cpu() - before, folder)


def _cpu() -> float:
    """Seconds that the processes which this one has waited for have used."""
    times = os.times()
    return times.children_user + times.children_system
