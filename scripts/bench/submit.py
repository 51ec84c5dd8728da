"""What it costs to submit: signed requests over HTTP, decided and recorded before each answer.

The service runs in a process of its own, on SQLite, its engine off; this process only sends
requests that it has signed beforehand, over 32 connections, then over one. The records are
counted in the database while the service is still running, as soon as the last answer is in.

Usage: python scripts/bench/submit.py [requests]
"""

import asyncio
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from statistics import quantiles

import httpx
import orjson
from figures import print_figures, print_machine
from sqlalchemy import Connection

from governance.app import open_platform
from governance.client import agent_document
from governance.client.signer import RequestSigner
from governance.identity import agents, people
from governance.kernel import ids, settings
from governance.policy import assignments, domain_of

CONNECTIONS = 32
AGENTS = 8
WARM_UP = 200
SIGNED_AT_ONCE = 500  # signatures expire
ORGANISATION = "default"
CEILING = {
    "actions": ["*"],
    "projects": ["*"],
    "models": ["*"],
    "territories": ["*"],
    "per_call": "1000",
    "total": "100000000",
    "currency": "USD",
}
PACKAGES = ("fastapi", "uvicorn", "uvloop", "sqlalchemy", "pynacl", "jsonschema-rs")
BODY = {
    "model": "auto",
    "prompt": "A lighthouse at dusk, slow drift of the camera, calm sea, no people",
    "seconds": "4",
    "size": "1280x720",
    "metadata": {"project": "spring-campaign", "territories": "EU", "deep_fake": "no"},
}


@dataclass(frozen=True)
class Service:
    """A running service process, its data folder, its agents' signers."""

    process: subprocess.Popen[bytes]
    port: int
    data: Path
    signers: list[RequestSigner]

    @property
    def cpu_seconds(self) -> float:
        """User and system time of all the process's threads so far."""
        text = Path(f"/proc/{self.process.pid}/stat").read_text()
        user, system = text.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def records(self) -> Counter[str]:
        """Committed records by event, read past the service."""
        with sqlite3.connect(self.data / "governance.sqlite3") as database:
            return Counter(event for (event,) in database.execute("SELECT event FROM log_record"))


@dataclass(frozen=True)
class Load:
    """What a round measured: wall and CPU time in seconds, latencies in milliseconds."""

    wall: float
    cpu: float
    latencies: list[float]

    def percentile(self, percent: int) -> float:
        return round(quantiles(self.latencies, n=100)[percent - 1], 1)


def main(requests: int) -> None:
    print_machine(*PACKAGES)
    print(f"SQLite {sqlite3.sqlite_version}, {requests} requests over {CONNECTIONS} connections")
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as service:
        drive(service, WARM_UP, CONNECTIONS)
        many = drive(service, requests, CONNECTIONS)
        single = drive(service, max(100, requests // 8), 1)
        sent = WARM_UP + len(many.latencies) + len(single.latencies)
        found = service.records()
    expected = {"generation.requested": sent, "policy.decided": sent}
    if {event: found[event] for event in expected} != expected:
        raise SystemExit(f"answered {sent} requests, but found {dict(found)}")
    print_figures(
        {
            "submits_per_second": round(len(many.latencies) / many.wall),
            "p50_ms": many.percentile(50),
            "p95_ms": many.percentile(95),
            "p99_ms": many.percentile(99),
            "p50_ms_1": single.percentile(50),
            "p95_ms_1": single.percentile(95),
            "cpu_s_per_1000": round(1000 * many.cpu / len(many.latencies), 2),
            "cpu_s_per_1000_1": round(1000 * single.cpu / len(single.latencies), 2),
            "records": sum(expected.values()),
        }
    )


@contextmanager
def serving(folder: Path) -> Iterator[Service]:
    """The service as an operator starts it, with agents that may submit."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    signers = prepare(settings.load(data_dir=folder, port=port))
    command = [sys.executable, "-m", "governance", "serve", "--data", str(folder)]
    environment = {
        **os.environ,
        "GOVERNANCE_ENGINE": "false",
        "GOVERNANCE_PORT": str(port),
        "GOVERNANCE_RATE_LIMIT": "100000/second",
    }
    with (folder / "service.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        wait_until_well(process, port)
        yield Service(process, port, folder, signers)
    finally:
        process.terminate()
        process.wait(timeout=30)


def prepare(chosen: settings.Settings) -> list[RequestSigner]:
    """Register agents, all of one person, in the data folder of a service that is not running."""
    platform = open_platform(chosen)
    database, ledger = platform.context.database, platform.context.ledger
    policy, domain = platform.context.policies.policy, domain_of(ORGANISATION)
    signers = [RequestSigner(ids.random_bytes(32)) for _ in range(AGENTS)]

    def grant(connection: Connection, subject: str, role: str) -> None:
        assignments.grant(
            connection, ledger, policy, subject=subject, role=role, domain=domain, by="service"
        )

    def register(connection: Connection) -> None:
        person = people.add_person(
            connection,
            ledger,
            organisation=ORGANISATION,
            username="producer",
            name="Producer",
            by="service",
        ).id
        grant(connection, person, "role:producer")
        for number, signer in enumerate(signers):
            document = agent_document.draft(
                [signer],
                service=chosen.base_url,
                organisation=ORGANISATION,
                accountable=person,
                name=f"agent {number}",
                ceiling=CEILING,
            )
            signed = agent_document.signed(document, [signer])
            agent = agents.register_agent(
                connection,
                ledger,
                document=document,
                signatures={s["keyid"]: s["sig"] for s in signed["signatures"]},
                organisation=ORGANISATION,
                audience=chosen.authority,
                by="service",
            )
            grant(connection, agent, "role:agent")

    database.write(register)
    platform.stop()
    return signers


def wait_until_well(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/healthz").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise SystemExit("the service did not start")


def drive(service: Service, count: int, connections: int) -> Load:
    """Send `count` requests over `connections` that stay open; signing them is not measured."""
    wall = cpu = 0.0
    latencies: list[float] = []
    for first in range(0, count, SIGNED_AT_ONCE):
        requests = signed(service, first, min(SIGNED_AT_ONCE, count - first))
        cpu, wall = cpu - service.cpu_seconds, wall - time.perf_counter()
        latencies += asyncio.run(send_all(service.port, requests, connections))
        cpu, wall = cpu + service.cpu_seconds, wall + time.perf_counter()
    return Load(wall, cpu, latencies)


def signed(service: Service, first: int, count: int) -> list[bytes]:
    """Requests as they go over the wire, each with its own signature and nonce."""
    url = f"http://127.0.0.1:{service.port}/v1/videos"
    made = []
    for number, signer in zip(range(first, first + count), cycle(service.signers), strict=False):
        content = orjson.dumps({**BODY, "prompt": f"{BODY['prompt']}, take {number}"})
        headers = {"Content-Type": "application/json"}
        request = httpx.Request("POST", url, content=content, headers=headers)
        next(signer.auth_flow(request))
        lines = [b"POST %b HTTP/1.1" % request.url.raw_path]
        lines += [b"%b: %b" % pair for pair in request.headers.raw]
        made.append(b"\r\n".join(lines) + b"\r\n\r\n" + content)
    return made


async def send_all(port: int, requests: list[bytes], connections: int) -> list[float]:
    """Milliseconds from the first byte sent to the last received, for each request."""
    waiting = iter(requests)
    latencies: list[float] = []

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in waiting:
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().split(b"content-length: ")[1].split()[0]
            body = await reader.readexactly(int(length))
            latencies.append((time.perf_counter() - began) * 1000)
            if not head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"{head.decode()}{body.decode()}")
        writer.close()

    await asyncio.gather(*(connection() for _ in range(connections)))
    return latencies


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4_000)
