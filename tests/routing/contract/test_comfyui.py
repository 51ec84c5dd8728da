"""ComfyUI keeps the contract, with the graphs that ship."""

import functools
from dataclasses import replace
from pathlib import Path

from governance.evidence.keys import SeedSigner
from governance.kernel.settings import packaged
from governance.routing import graphs
from governance.routing.account import Account
from governance.routing.providers.comfyui import ComfyUI
from governance.simulators.comfyui import SimulatedComfyUI

from .harness import Harness
from .suite import Polled

SIGNER = SeedSigner.from_seed(bytes(32))


@functools.cache
def signed(folder: Path) -> graphs.Graphs:
    approval = folder / "graphs.dsse.json"
    graphs.sign(packaged("policies"), approval, SIGNER)
    return graphs.Graphs(packaged("policies"), approval, SIGNER.public)


HARNESS = Harness(
    name="comfyui",
    simulator=SimulatedComfyUI,
    provider=lambda account, folder, timeout: ComfyUI(account, signed(folder), timeout),
    model="wan2.2-ti2v-5b.v1",
    seconds=1,
    size=(128, 64),
    account=lambda vendor, key: Account(base_url=vendor.url),
    recoverable=True,
    cancels=True,
    # It judges no content, counts nobody's requests, and its files lie where it lies itself.
    lacks=frozenset(
        {
            "[[auth]]",
            "[[moderate]]",
            "[[late-moderate]]",
            "[[429]]",
            "[[quota]]",
            "[[no-model]]",
            "[[foreign]]",
            "[[expired-once]]",
        }
    ),
    cannot=(
        {"media": "audio"},
        {"media": "image"},
        {"task": "upscale"},
        {"width": 120},
        {"height": 0},
        {"voice": "alloy"},
    ),
)


class TestComfyUIVideo(Polled):
    harness = HARNESS


class TestComfyUIImage(Polled):
    harness = replace(HARNESS, model="flux-schnell.v1", media="image", seconds=0, cannot=())
