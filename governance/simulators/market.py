"""All vendors at once, for whoever has an account with none of them."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Protocol

from governance.simulators.comfyui import SimulatedComfyUI
from governance.simulators.google import SimulatedGoogle
from governance.simulators.kling import SimulatedKling
from governance.simulators.luma import SimulatedLuma
from governance.simulators.luma_agents import SimulatedLumaAgents
from governance.simulators.openai_media import SimulatedOpenAI
from governance.simulators.openai_videos import SimulatedVendor
from governance.simulators.veo import SimulatedVeo

DELAY = 2.0  # seconds until a job is done


class Simulator(AbstractContextManager[object], Protocol):
    """A vendor's HTTP API while the block runs. url, key: what its clients need."""

    url: str
    key: str


@contextmanager
def market(delay: float = DELAY) -> Iterator[Mapping[str, Mapping[str, str]]]:
    """By provider, the account that reaches its simulator on this machine."""
    with ExitStack() as stack:
        vendors: dict[str, Simulator] = {
            "comfyui": SimulatedComfyUI(delay=delay),
            "google": SimulatedGoogle(delay=delay),
            "google-veo": SimulatedVeo(delay=delay),
            "kling": SimulatedKling(delay=delay),
            "luma": SimulatedLuma(delay=delay),
            "luma-agents": SimulatedLumaAgents(delay=delay),
            "openai": SimulatedOpenAI(delay=delay),
            "openai-videos": SimulatedVendor(delay=delay),
        }
        accounts = {}
        for name, vendor in vendors.items():
            stack.enter_context(vendor)
            accounts[name] = {"base_url": vendor.url, "key": vendor.key}
        accounts["google-veo"] |= {"project": "simulated", "location": "us-central1"}
        yield accounts
