"""Luma Agents keeps the contract, for video and for images."""

from governance.routing.providers.luma_agents import LumaAgents
from governance.simulators.luma_agents import SimulatedLumaAgents

from .harness import Harness
from .suite import Polled


class TestRay(Polled):
    harness = Harness(
        name="luma-agents",
        simulator=SimulatedLumaAgents,
        provider=lambda account, _, timeout: LumaAgents(account, timeout),
        model="ray-3.2",
        seconds=5,
        size=(640, 360),
        cannot=(
            {"media": "audio"},
            {"task": "upscale"},
            {"task": "edit"},
            {"audio": True},
            {"seconds": 9},
            {"width": 832, "height": 480},
            {"width": 720, "height": 360},
            {"prompt": ""},
        ),
    )


class TestUni(Polled):
    harness = Harness(
        name="luma-agents",
        simulator=SimulatedLumaAgents,
        provider=lambda account, _, timeout: LumaAgents(account, timeout),
        model="uni-1",
        media="image",
        seconds=0,
        size=(1024, 1024),
        cannot=(
            {"media": "audio"},
            {"task": "extend"},
            {"task": "upscale"},
            {"width": 1024, "height": 700},
            {"prompt": "x" * 6001},
        ),
    )
