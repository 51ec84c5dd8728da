"""What vendors cost us: many jobs in flight in one process, and placing an order.

The service's engine runs in a process of its own; the vendors, in another, answer each question
after 200 ms and never finish. Then, for each provider, the time of `submit` and our thread's share
of it, beside a bare POST that the vendor refuses.

Usage: python scripts/bench/poll.py [jobs] [seconds]
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from asking import ask, producer, states
from figures import print_figures, print_machine
from vendors import Accounts, questions, vendors

from governance.app import open_platform
from governance.kernel import settings

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = "tests.routing.contract"
MODELS = ("self/wan2.2-a14b", "luma/ray-3.2", "kling/kling-v3")
INTERVAL = 5.0  # seconds between two questions after one job
LATENCY = 0.2
NEVER = 86400.0
SAMPLES = 50
PACKAGES = ("httpx", "openai", "google-genai", "lumaai", "luma-agents", "sqlalchemy")


def main(jobs: int, seconds: float) -> None:
    print_machine(*PACKAGES)
    print(f"{jobs} jobs in flight, asked after every {INTERVAL:g} s, answered in {LATENCY} s")
    print_figures(in_flight(jobs, seconds) | placing_orders())


def in_flight(jobs: int, seconds: float) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder, vendors(NEVER, LATENCY) as accounts:
        command = [sys.executable, __file__, "serve", folder, json.dumps(accounts), str(jobs)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as service:
            assert service.stdin and service.stdout
            if service.stdout.readline() != "ready\n":
                raise SystemExit("the service did not start")
            time.sleep(INTERVAL)
            used, asked, began = cpu_seconds(service.pid), questions(accounts), time.monotonic()
            time.sleep(seconds)
            wall = time.monotonic() - began
            used, asked = cpu_seconds(service.pid) - used, questions(accounts) - asked
            memory = resident_mb(service.pid)
            service.stdin.close()
    return {
        "jobs_in_flight": jobs,
        "polls_per_second": round(asked / wall, 1),
        "polls_due_per_second": round(jobs / INTERVAL, 1),
        "poll_cores": round(used / wall, 2),
        "cpu_ms_per_poll": round(1000 * used / max(asked, 1), 2),
        "memory_mb": memory,
    }


def serve(folder: Path, accounts: Accounts, jobs: int) -> None:
    """A service with so many jobs under way; says so, and goes on until standard input ends."""
    chosen = settings.load(data_dir=folder, providers=accounts, poll_interval=INTERVAL)
    platform = open_platform(chosen)
    person = producer(platform.context)
    for number in range(jobs):
        ask(platform.context, person, MODELS[number % len(MODELS)], f"take {number}")
    platform.start()
    while states(platform.context)["generating"] < jobs:
        time.sleep(0.5)
    print("ready", flush=True)
    sys.stdin.read()
    platform.stop()


def placing_orders() -> dict[str, float]:
    """By provider and medium."""
    figures: dict[str, float] = {}
    for harness in harnesses():
        figures |= placing_one(harness)
    return figures


def placing_one(harness: Any) -> dict[str, float]:
    """Milliseconds of `submit`, and of a bare POST to the same vendor, which refuses it."""
    name = f"{harness.name}_{harness.media}"
    fresh = httpx.Limits(max_keepalive_connections=0)  # each order has a connection of its own
    with (
        tempfile.TemporaryDirectory() as folder,
        harness.simulator(delay=0.0) as vendor,
        httpx.Client(limits=fresh, trust_env=False) as client,
    ):
        provider = harness.provider(harness.account(vendor, vendor.key), Path(folder), 10.0)
        wall, cpu = timed(lambda: provider.submit(harness.order()))
        bare, _ = timed(lambda: client.post(vendor.url, json={}))
    return {f"{name}_submit_ms": wall, f"{name}_submit_cpu_ms": cpu, f"{name}_bare_ms": bare}


def harnesses() -> Iterator[Any]:
    """Every provider that keeps the contract, with its vendor."""
    sys.path.insert(0, str(ROOT))
    for path in sorted((ROOT / CONTRACTS.replace(".", "/")).glob("test_*.py")):
        module = importlib.import_module(f"{CONTRACTS}.{path.stem}")
        for found in vars(module).values():
            if isinstance(found, type) and hasattr(found, "harness"):
                yield found.harness


def timed(call: Callable[[], Any]) -> tuple[float, float]:
    """The median, in milliseconds: by the clock, and of this thread's processor time."""
    call()  # imports
    walls, shares = [], []
    for _ in range(SAMPLES):
        wall, share = time.perf_counter(), time.thread_time()
        call()
        walls.append(time.perf_counter() - wall)
        shares.append(time.thread_time() - share)
    return round(1000 * median(walls), 2), round(1000 * median(shares), 2)


def cpu_seconds(pid: int) -> float:
    """User and system time of all the process's threads so far."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(Path(sys.argv[2]), json.loads(sys.argv[3]), int(sys.argv[4]))
    else:
        main(*[int(given) for given in sys.argv[1:]] or [1000, 20])
