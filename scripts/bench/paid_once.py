"""Whether money is ever spent twice: orders under faults and under kill -9, counted at the vendors.

Vendors lose answers after they have accepted an order, answer it with 500 or with broken JSON, and
fail questions; the service, a process of its own that does all but encode, is killed at random
moments while requests come in, and started again on what it left, until nothing moves any more.
Some orders have no fault but those kills. Of the three vendors one can be asked by our key what
became of an order.

    intended         orders that the records say were about to be placed
    vendor_jobs      orders that reached a vendor
    duplicates       those that reached it more than once
    lost             those that we neither fetched nor hold in the list for people
    unknown_listed   what is in that list; `unknown` must be the same

Usage: python scripts/bench/paid_once.py [faults]
"""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import IO, Any
from unittest.mock import patch

import luma_agents  # noqa: F401  slow to import, so here and not in every process
import openai  # noqa: F401
from asking import ORGANISATION, ask, person, producer, states
from figures import print_figures, print_machine
from vendors import Accounts, orders, vendors

from governance.app import Platform, open_platform
from governance.evidence.story import State
from governance.kernel import settings
from governance.lifecycle import engine, resolution
from governance.lifecycle.questions import prompt_of
from governance.lifecycle.steps import AT_WORK
from governance.routing.health import Health

MODELS = ("self/wan2.2-a14b", "luma/ray-3.2", "kling/kling-v3")
FAULTS = ("[[drop]]", "[[500]]", "[[garbled]]", "[[poll-500]]")
KILLS = 0.05  # of all faults
UNTOUCHED = 0.25  # orders without a fault of their own, for each with one
JOB_SECONDS = 0.3
UNSETTLED = f"""('{State.PERMITTED}', '{State.ROUTED}', '{State.SUBMITTING}',
    '{State.GENERATING}')"""
AHEAD = 4  # lives: requests come in so much faster than they are worked off
LONGEST_LIFE = 3.0  # seconds
PATIENCE = 120.0  # seconds in which something must have come to an end
PACKAGES = ("httpx", "openai", "luma-agents", "sqlalchemy")


@dataclass(frozen=True)
class Service:
    """Where processes of the service come from, and where all of them keep their data."""

    nursery: subprocess.Popen[str]
    data: Path

    def order(self, **words: Any) -> Any:
        """Have something done by a new process; its answer."""
        said, heard = self._pipes
        said.write(json.dumps(words) + "\n")
        said.flush()
        return json.loads(heard.readline())

    def kill(self, process: int) -> None:
        os.kill(process, signal.SIGKILL)
        exit_code = self._pipes[1].readline().strip()
        if exit_code != str(-signal.SIGKILL):
            raise SystemExit(f"the service ended by itself: {exit_code}")

    def states(self) -> dict[str, str]:
        """The state of every generation by its prompt, read past the service."""
        return dict(
            self._rows(
                'SELECT "key", state FROM generation'
                " JOIN idempotency_key ON idempotency_key.generation = generation.id"
            )
        )

    def asked(self) -> int:
        return self._count("generation")

    def settled(self) -> int:
        return self._count(f"generation WHERE state NOT IN {UNSETTLED}")

    def intended(self) -> int:
        return self._count("log_record WHERE event = 'provider.intended'")

    @property
    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self.nursery.stdin and self.nursery.stdout
        return self.nursery.stdin, self.nursery.stdout

    def _count(self, what: str) -> int:
        return int(self._rows(f"SELECT count(*) FROM {what}")[0][0])

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.data / "governance.sqlite3", timeout=30) as database:
            return database.execute(query).fetchall()


def main(faults: int) -> None:
    print_machine(*PACKAGES)
    began = time.monotonic()
    kills = round(faults * KILLS)
    prompts = drawn(faults - kills)
    print(f"{len(prompts)} orders, {faults - kills} with a fault of their own, {kills} kills")
    with (
        tempfile.TemporaryDirectory() as folder,
        (Path(folder) / "service.log").open("wb") as log,
        vendors(JOB_SECONDS) as accounts,
    ):
        data = Path(folder) / "data"
        given = (str(data), json.dumps(accounts), str(faults - kills))
        command = [sys.executable, __file__, "nursery", *given]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as nursery:
            service = Service(nursery, data)
            torment(service, len(prompts), kills)
            figures = account_for(service, orders(accounts))
    figures["kills"] = kills
    figures["faults"] += kills
    figures["seconds"] = round(time.monotonic() - began)
    print_figures(figures)
    if figures["duplicates"] or figures["lost"] or figures["unknown"] != figures["unknown_listed"]:
        raise SystemExit(1)


def drawn(faulty: int) -> list[str]:
    """The prompt of each order, with the fault that it orders."""
    words = [word for _, word in zip(range(faulty), cycle(FAULTS), strict=False)]
    words += [""] * round(faulty * UNTOUCHED)
    random.Random(0).shuffle(words)
    return [f"take {number} {word}" for number, word in enumerate(words)]


def torment(service: Service, total: int, kills: int) -> None:
    """Start the service and kill it again and again, while all that is asked for comes in.

    Each life takes its share of the requests, and ends after a random part of the work.
    """
    moments = random.Random(1)
    who = service.order(word="join")
    share = total / (kills + 1)
    for life in range(kills):
        asked = min(total, round(share * (life + AHEAD)))
        process = service.order(word="live", who=who, until=asked)
        wanted = service.settled() + round(moments.uniform(0, 2 * share))
        deadline = time.monotonic() + LONGEST_LIFE
        while service.settled() < wanted and time.monotonic() < deadline:
            time.sleep(moments.uniform(0, 0.1))
        service.kill(process)
    process = service.order(word="live", who=who, until=total)
    settle(service, total)
    service.kill(process)


def settle(service: Service, total: int) -> None:
    """Until everything has come to an end."""
    last, deadline = -1, 0.0
    while (settled := service.settled()) < total:
        if settled > last:
            last, deadline = settled, time.monotonic() + PATIENCE
        if time.monotonic() > deadline:
            raise SystemExit(f"nothing moves any more, and {total - settled} orders are open")
        time.sleep(0.2)


def account_for(service: Service, placed: Counter[str]) -> dict[str, float]:
    """What vendors have done for us, against what we know of it."""
    states = service.states()
    listed = set(service.order(word="list"))
    unknown = {prompt for prompt, state in states.items() if state == State.UNKNOWN}
    lost = [prompt for prompt in placed if prompt not in listed and states[prompt] != State.FETCHED]
    for prompt in lost:
        print(f"lost: {prompt}, {states[prompt]}")
    return {
        "intended": service.intended(),
        "vendor_jobs": placed.total(),
        "duplicates": sum(count - 1 for count in placed.values()),
        "lost": len(lost),
        "fetched": sum(state == State.FETCHED for state in states.values()),
        "unknown": len(unknown),
        "unknown_listed": len(listed & unknown),
        "faults": sum(word in prompt for prompt in placed for word in FAULTS),
    }


def nurse(data: Path, accounts: Accounts, prompts: list[str]) -> None:
    """Import everything once, then fork a process for each order that comes in."""
    # What was fetched is paid for and safe: screening and marking it isn't what is looked at.
    patch.object(engine, "AT_WORK", AT_WORK - {State.FETCHED}).start()
    patch.object(Health, "is_resting", lambda *_: False).start()  # it would stop most faults
    with tempfile.TemporaryDirectory() as folder:
        opened(Path(folder), accounts).stop()
    for line in sys.stdin:
        words = json.loads(line)
        child = os.fork()
        if child == 0:
            obey(opened(data, accounts), prompts, words)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if words["word"] == "live":
            say(os.waitstatus_to_exitcode(status))


def obey(platform: Platform, prompts: list[str], words: dict[str, Any]) -> None:
    if words["word"] == "join":
        say(producer(platform.context).id)
    elif words["word"] == "list":
        say(listed(platform))
    else:
        live(platform, prompts[: words["until"]], words["who"])


def live(platform: Platform, prompts: list[str], who: str) -> None:
    """Go on with what an earlier life has left, and take requests; until it is killed."""
    platform.start()
    say(os.getpid())
    known = sum(states(platform.context).values())
    models = dict(zip(prompts, cycle(MODELS), strict=False))
    for prompt in prompts[known:]:
        ask(platform.context, person(who), models[prompt], prompt)
        platform.engine.wake()
    signal.pause()


def listed(platform: Platform) -> list[str]:
    """What a person is shown to find out about, page after page: the prompts."""
    found: list[str] = []
    last = ""
    with platform.context.database.read() as session:
        while page := resolution.unknown(session, ORGANISATION, last):
            found += [prompt_of(platform.context, story) for story in page]
            last = page[-1].id
    return found


def opened(data: Path, accounts: Accounts) -> Platform:
    chosen = settings.load(data_dir=data, providers=accounts, poll_interval=0.2, min_free_disk=0)
    return open_platform(chosen)


def say(answer: Any) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["nursery"]:
        data, accounts, faulty = sys.argv[2:]
        nurse(Path(data), json.loads(accounts), drawn(int(faulty)))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
