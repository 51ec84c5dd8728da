"""What marking costs: all layers written into a clip and read back, against a plain re-encode.

Usage: python scripts/bench/marking.py [rounds] [seconds]

The plain re-encode takes the same clip through the same encoder with the same settings. Both run
in turn, each time in a fresh process, so that a busy machine weighs on both alike.
"""

import importlib
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from clips import drawn, write
from figures import print_figures, print_machine
from product import DUTIES, ORGANISATION, context, keys

from governance.domain import Asset
from governance.marking import read as reading
from governance.marking.credentials import authority
from governance.marking.encode import encode_video
from governance.marking.probe import inspect
from governance.marking.write import mark

SCENE = "pan"
WIDTH, HEIGHT = 1920, 1080
DUE = {"c2pa", "iptc", "label", "watermark", "aigc", "fingerprint"}

# Where time goes: the module in which a function is looked up, its name, what it is called here.
PHASES = (
    ("governance.marking.content", "encode_video", "decode, paint, encode"),
    ("governance.marking.read", "read", "read everything back"),
)
PARTS = (
    ("governance.marking.watermark.picture", "PictureWatermark.__init__", "draw watermark"),
    ("governance.marking.watermark.picture", "PictureWatermark.paint", "paint watermark"),
    ("governance.marking.label.paint", "LabelPainter.paint", "paint label"),
    ("governance.marking.fingerprint.picture", "PictureFingerprinter.feed", "fingerprint"),
    ("governance.marking.metadata.xmp", "embed", "write XMP"),
    ("governance.marking.metadata.aigc", "embed", "write AIGC"),
    ("governance.marking.credentials.manifest", "sign", "sign manifest"),
    ("governance.marking.watermark.picture", "PictureReader.feed", "look for watermark"),
    ("governance.marking.watermark.picture", "PictureReader.reading", "decide on watermark"),
    ("governance.marking.label.read", "LabelReader.feed", "look for label"),
    ("governance.marking.read", "read_manifest", "verify manifest"),
)


@dataclass(frozen=True)
class Cost:
    """wall, cpu: seconds; memory: the most that the process held, MB; parts: CPU seconds of phases
    with all threads, and of parts in the calling thread alone."""

    wall: float
    cpu: float
    memory: float
    parts: dict[str, float]

    def __str__(self) -> str:
        return f"wall {self.wall:.1f} s, CPU {self.cpu:.1f} s"


def main(rounds: int, seconds: float) -> None:
    print_machine("av", "numpy", "c2pa-python")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        clip = next(clip for clip in drawn() if clip.name == SCENE)
        master = write(clip, folder / "master.mp4", WIDTH, HEIGHT, seconds)
        authority.load_or_create(folder)
        print(f"{seconds} s of {WIDTH}×{HEIGHT}, {master.stat().st_size / 1e6:.1f} MB")
        marks, plains = [], []
        for number in range(rounds):
            marks.append(alone(marking, master, folder, False))
            plains.append(alone(plain, master, folder, False))
            print(f"{number + 1}: marked and read {marks[-1]}; plain {plains[-1]}", flush=True)
        print_parts(alone(marking, master, folder, True))
    wall, cpu = ratio(marks, plains, "wall"), ratio(marks, plains, "cpu")
    print_figures(
        {
            "ratio_to_reencode": max(wall, cpu),
            "wall_ratio": wall,
            "cpu_ratio": cpu,
            "marking_wall_s": round(float(np.median([cost.wall for cost in marks])), 2),
            "reencode_wall_s": round(float(np.median([cost.wall for cost in plains])), 2),
            "peak_memory_mb": round(max(cost.memory for cost in marks)),
            "reencode_peak_memory_mb": round(max(cost.memory for cost in plains)),
        }
    )


def alone(work: Callable[[Path, Path], None], master: Path, folder: Path, parted: bool) -> Cost:
    """In a process of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(costing, work, master, folder, parted).result()


def costing(work: Callable[[Path, Path], None], master: Path, folder: Path, parted: bool) -> Cost:
    parts: dict[str, float] = {}
    if parted:
        for module, name, title in PHASES:
            time_calls(module, name, title, parts, time.process_time)
        for module, name, title in PARTS:
            time_calls(module, name, f"  {title}", parts, time.thread_time)
    wall, cpu = time.perf_counter(), time.process_time()
    work(master, folder)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Cost(wall, cpu, memory, {"all": cpu, **parts})


def marking(master: Path, folder: Path) -> None:
    """Every layer written, then read back and checked."""
    target = folder / "marked.mp4"
    target.unlink(missing_ok=True)
    asset: Asset = inspect(master)
    signing = authority.load_or_create(folder)
    marked = mark(asset, target, DUTIES, context("bench", signing))
    known = reading.Known(keys(), ORGANISATION, marked.fingerprint, master)
    found = reading.read(target, asset.media_type, marked.marks, signing.trust, known)
    present = {one.kind for one in found if one.state == "present"}
    if missing := DUE - present:
        raise RuntimeError(f"Not read back: {', '.join(sorted(missing))}.")


def plain(master: Path, folder: Path) -> None:
    target = folder / "plain.mp4"
    encode_video(master, target, "video/mp4", lambda width, height: ())


def time_calls(
    module: str, name: str, title: str, parts: dict[str, float], clock: Callable[[], float]
) -> None:
    """Add up the time that is spent in a function, from now on."""
    owner: Any = importlib.import_module(module)
    *classes, function = name.split(".")
    for part in classes:
        owner = getattr(owner, part)
    called = getattr(owner, function)

    def timed(*given: Any, **named: Any) -> Any:
        start = clock()
        try:
            return called(*given, **named)
        finally:
            parts[title] = parts.get(title, 0.0) + clock() - start

    setattr(owner, function, timed)


def print_parts(cost: Cost) -> None:
    print("where the CPU time goes, once (indented: in the calling thread):")
    for title, seconds in cost.parts.items():
        print(f"  {title:<24}{seconds:7.2f} s {seconds / cost.cpu:6.1%}")


def ratio(marks: list[Cost], plains: list[Cost], what: str) -> float:
    """Of the sums over all rounds."""
    sums: list[float] = [sum(getattr(cost, what) for cost in costs) for costs in (marks, plains)]
    return round(sums[0] / sums[1], 3)


if __name__ == "__main__":
    given = [float(argument) for argument in sys.argv[1:]]
    main(int(given[0]) if given else 3, given[1] if len(given) > 1 else 10.0)
