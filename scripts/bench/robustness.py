"""Which marks survive what: clips × changes, each layer alone and all together.

Every clip is marked through the product's own door (label, watermark, metadata, credentials,
fingerprint), changed by real codecs, and asked about among ids and fingerprints of strangers.
Then unmarked files are asked about: how often is a mark found that isn't there?

Usage: python scripts/bench/robustness.py [--full] [--clips FOLDER [--only]] [--work FOLDER]
--full: 12 clips of 4 s at 960 × 540 and over 10,000 trials; about half an hour on two cores.
--clips: mp4, mov, png, jpeg and webp of a folder, besides the drawn clips; --only: instead.
--work: keeps what was measured; the same command goes on where the last one was stopped.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from figures import print_figures, print_machine
from subjects import Options, Scale, Subject, subjects
from tables import figures, print_cells, print_quality, print_unmarked
from work import PARTS, find_false, gather_strangers, mark_subject, measure_subject

QUICK = Scale(640, 360, 3.0, clips=4, images=2, sounds=2, strangers=10_000, seeds=2, secrets=1)
FULL = Scale(960, 540, 4.0, clips=12, images=12, sounds=6, strangers=10_000, seeds=36, secrets=2)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--full", action="store_true")
    asked.add_argument("--clips", type=Path)
    asked.add_argument("--only", action="store_true")
    asked.add_argument("--work", type=Path)
    asked.add_argument("--processes", type=int, default=os.cpu_count())
    given = asked.parse_args()
    scale = FULL if given.full else QUICK
    with tempfile.TemporaryDirectory() as temporary:
        work = given.work or Path(temporary)
        run(Options(scale, work, given.clips, given.only), given.processes)


def run(options: Options, processes: int) -> None:
    scale = options.scale
    print_machine("av", "numpy", "pillow", "c2pa-python")
    print(f"{scale}, {processes} processes")
    # Many small products of matrices: threads of their own only get in each other's way.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    asked = subjects(options)
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        steps = Steps(pool, options)
        steps.run("strangers", gather_strangers, range(PARTS))
        qualities = steps.run("marked", mark_subject, asked)
        measured = steps.run("measured", measure_subject, asked)
        unmarked = steps.run("unmarked", find_false, range(1, scale.seeds + 1))
    cells = [cell for found in measured for cell in found]
    print_quality(qualities)
    print_cells(cells)
    print_unmarked(unmarked)
    print_figures(figures(cells, qualities, unmarked, scale.strangers))


class Steps:
    """Runs one function for many things in all processes, with a line for each that is done."""

    def __init__(self, pool: ProcessPoolExecutor, options: Options) -> None:
        self._pool, self._options = pool, options
        self._start = time.perf_counter()

    def run(self, done: str, function: Callable[..., Any], things: Sequence[Any]) -> list[Any]:
        """The results in the order of `things`."""
        futures = {self._pool.submit(function, self._options, thing): thing for thing in things}
        for count, future in enumerate(as_completed(futures), 1):
            thing = futures[future]
            future.result()
            name = thing.id if isinstance(thing, Subject) else thing
            seconds = time.perf_counter() - self._start
            print(f"{seconds:6.0f} s  {done} {count}/{len(futures)}: {name}", flush=True)
        return [future.result() for future in futures]


if __name__ == "__main__":
    main()
