"""A service process that dies where it is told to, by SIGKILL.

Started once, it imports everything and then waits for orders, one JSON object a line. For each it
forks a child that opens the platform on the given data folder, does as told and is killed at the
given point; the answer is a line with the child's exit code. Nothing of the service knows of
this: the points lie in the two doors through which everything passes, `Database.write` and the
providers' `submit`.
"""

import functools
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import openai  # noqa: F401  slow to import, so here and not in every child
import psycopg  # noqa: F401
from sqlalchemy import Connection

from governance import app, policy
from governance.app import Platform, open_platform
from governance.domain import Principal
from governance.evidence.record import Record
from governance.kernel.database import Database, Write
from governance.kernel.settings import load
from governance.ledger import Entry, Ledger
from governance.lifecycle import commands, resolution, submitting
from governance.lifecycle.access import Question, require
from governance.lifecycle.context import Context
from governance.lifecycle.statements import Choice
from governance.lifecycle.submitting import Caller
from governance.routing.provider import Job, Order
from governance.routing.providers.local import LocalProvider
from governance.routing.providers.openai_videos import OpenAIVideos
from tests.house import PICTURE

T = TypeVar("T")
POST = "POST"
Command = Callable[[Context, str, Principal, Any], object]


def arm(event: str, moment: str) -> None:
    """Die at the transaction that appends `event`, `before` or `after` its commit.

    For the event `POST`: before or after an order goes out to a provider.
    """
    if event == POST:
        for provider in (LocalProvider, OpenAIVideos):
            _arm_submit(provider, moment)
    else:
        _arm_write(event, moment)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _arm_submit(provider: type[LocalProvider] | type[OpenAIVideos], moment: str) -> None:
    submit = provider.submit

    def fatal(self: Any, order: Order) -> tuple[Job, str]:
        if moment == "before":
            die()
        answer = submit(self, order)
        die()
        return answer

    provider.submit = fatal  # type: ignore[method-assign]


def _arm_write(event: str, moment: str) -> None:
    appended: list[str] = []  # by the job that the one writer thread is at
    append_all, write = Ledger.append_all, Database.write

    def noting(self: Ledger, connection: Connection, entries: Sequence[Entry]) -> list[Record]:
        appended.extend(entry.event for entry in entries)
        return append_all(self, connection, entries)

    def fatal(self: Database, run: Write[T]) -> T:
        hit = False

        def watched(connection: Connection) -> T:
            nonlocal hit
            appended.clear()
            result = run(connection)
            hit = event in appended
            if hit and moment == "before":
                die()
            return result

        result = write(self, watched)
        if hit:
            die()
        return result

    Ledger.append_all = noting  # type: ignore[method-assign]
    Database.write = fatal  # type: ignore[method-assign]


def work(platform: Platform) -> None:
    """Run the whole service; it is killed long before this returns."""
    platform.start()
    time.sleep(10)


def ask(context: Context, key: str, person: Principal) -> None:
    question = Question("generation", "create", person.organisation, PICTURE.project)
    answer = require(context, person, None, question)
    submission = submitting.prepare(context, PICTURE, Caller(person, answer, idempotency_key=key))
    context.database.write(lambda c: submitting.commit(c, context, submission))


CHECKED: dict[str, Any] = {
    "media": {
        "digest": "0" * 64,
        "media_type": "image/png",
        "size": 1,
        "width": 1,
        "height": 1,
        "seconds": "0.000",
        "has_audio": False,
    },
    "source": "copy",
    "host": None,
    "match": "none",
    "marks": [],
    "lost": ["mark.watermark"],
    "by": None,
}
COMMANDS: dict[str, Command] = {
    "ask": lambda context, key, person, _: ask(context, key, person),
    "approve": commands.approve_spend,
    "claim": lambda context, generation, person, _: commands.claim_review(
        context, generation, person
    ),
    "decide": commands.decide_review,
    "cancel": lambda context, generation, person, _: commands.cancel(context, generation, person),
    "deliver": lambda context, generation, person, _: commands.deliver(
        context, generation, person, "api"
    ),
    "check": lambda context, generation, person, _: commands.record_check(
        context, generation, CHECKED
    ),
    "resolve": lambda context, generation, person, _: resolution.resolve(
        context, generation, person, resolution.Resolution("not_ordered", "vendor_console")
    ),
    "recall": lambda context, generation, person, _: commands.recall(
        context, generation, person, "consent_withdrawn"
    ),
    "delete": lambda context, generation, person, _: commands.delete(context, generation, person),
}


def obey(order: dict[str, Any]) -> None:
    platform = open_platform(load(**order["settings"]))
    arm(order["event"], order["moment"])
    if order["command"] == "work":
        work(platform)
        return
    person = Principal(**{**order["person"], "chain": tuple(order["person"]["chain"])})
    choice = order["choice"] and Choice(*order["choice"])
    COMMANDS[order["command"]](platform.context, order["generation"], person, choice)


def warm_up() -> None:
    """Do once what every child would have to do: imports, compiled statements and schemas."""
    with tempfile.TemporaryDirectory() as folder:
        open_platform(load(data_dir=Path(folder))).stop()


def main() -> None:
    load_policy = functools.cache(policy.load)
    patch.object(app, "load", load_policy).start()
    warm_up()
    for line in sys.stdin:
        order = json.loads(line)
        load_policy(Path(order["settings"]["policies_dir"]))  # kept for the child
        child = os.fork()
        if child == 0:
            obey(order)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
