"""Simulated vendors in a process of their own, for benchmarks of what happens on our side.

Whatever is ordered, every clip is the same small one: vendors cost next to nothing here.
"""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx

from governance.simulators import clip, serving
from governance.simulators.kling import SimulatedKling
from governance.simulators.luma_agents import SimulatedLumaAgents
from governance.simulators.openai_videos import SimulatedVendor

SIMULATORS: dict[str, Any] = {
    "openai-videos": SimulatedVendor,
    "luma-agents": SimulatedLumaAgents,
    "kling": SimulatedKling,
}
GETS = "/_gets"

Accounts = dict[str, dict[str, str]]


@contextmanager
def vendors(delay: float, latency: float = 0.0) -> Iterator[Accounts]:
    """By provider: address and key, as the setting `providers` takes them.

    delay: seconds until a job is done; latency: seconds before any answer.
    """
    command = [sys.executable, __file__, str(delay), str(latency)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin and process.stdout
        yield json.loads(process.stdout.readline())
        process.stdin.close()


def orders(accounts: Accounts) -> Counter[str]:
    """How often each prompt has been ordered, over all vendors."""
    asked = (_ask(account, "/_control/posts")["by_prompt"] for account in accounts.values())
    return sum((Counter(counts) for counts in asked), Counter[str]())


def questions(accounts: Accounts) -> int:
    """How many GETs have arrived."""
    return sum(int(_ask(account, GETS)["gets"]) for account in accounts.values())


def _ask(account: dict[str, str], path: str) -> dict[str, Any]:
    address = httpx.URL(account["base_url"]).copy_with(path=path)
    answer: dict[str, Any] = httpx.get(address, trust_env=False, timeout=60).json()
    return answer


class Slowed:
    """An application that answers late, and counts its GETs."""

    def __init__(self, app: Any, latency: float) -> None:
        self._app = app
        self._latency = latency
        self._gets = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == GETS:
            body = json.dumps({"gets": self._gets}).encode()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": body})
            return
        self._gets += scope.get("method") == "GET" and not scope["path"].startswith("/_")
        await asyncio.sleep(self._latency)
        await self._app(scope, receive, send)


def serve(delay: float, latency: float) -> None:
    """Until standard input ends."""
    media = clip.encode("the same for all", 1, 128, 72)
    clip.encode = lambda *_: media
    served = serving.served
    serving.served = lambda app, port=0: served(Slowed(app, latency), port)  # type: ignore[arg-type]
    with ExitStack() as running:
        accounts = {}
        for name, simulator in SIMULATORS.items():
            vendor = running.enter_context(simulator(delay=delay))
            accounts[name] = {"base_url": vendor.url, "key": vendor.key}
        print(json.dumps(accounts), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    serve(float(sys.argv[1]), float(sys.argv[2]))
