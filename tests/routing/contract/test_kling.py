"""Kling keeps the contract, in both of its protocols."""

from dataclasses import replace
from functools import partial

from governance.routing.providers.kling import Kling
from governance.simulators.kling import SimulatedKling

from .harness import Harness
from .suite import Polled

HARNESS = Harness(
    name="kling",
    simulator=partial(SimulatedKling, shrink=10),
    provider=lambda account, _, timeout: Kling(account, timeout),
    model="kling-v2-6",
    recoverable=True,
    lacks=frozenset({"[[expired-once]]"}),
    cannot=(
        {"media": "audio"},
        {"media": "image"},
        {"task": "extend"},
        {"prompt": "a" * 2501},
        {"width": 1000, "height": 720},
        {"width": 3840, "height": 2160},
    ),
    lost="text2video/0",
)


class TestKling(Polled):
    harness = HARNESS


class TestKlingTurbo(Polled):
    harness = replace(HARNESS, model="kling-3.0-turbo", seconds=3, lost="tasks/0")
