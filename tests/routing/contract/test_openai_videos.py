"""The `/v1/videos` shape keeps the contract, in each of its flavours."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from governance.routing.provider import Input
from governance.routing.providers.openai_videos import OpenAIVideos
from governance.simulators.openai_videos import SimulatedVendor

from .harness import Harness
from .suite import Polled

HARNESS = Harness(
    name="openai-videos",
    simulator=SimulatedVendor,
    provider=lambda account, _, timeout: OpenAIVideos(account, timeout),
    model="wan",
    seconds=1,
    size=(128, 72),
    # The content comes from the server itself, not from an address that it names.
    lacks=frozenset({"[[foreign]]", "[[expired-once]]"}),
    cannot=(
        {"media": "audio"},
        {"task": "extend"},
        {"inputs": (Input("last_frame", Path("last.png"), "image/png"),)},
        {"inputs": (Input("reference", Path("one.png"), "image/png"),) * 2},
    ),
)
# A server of one's own has neither moderation nor an account that runs dry.
OWN_SERVERS_LACK = HARNESS.lacks | {"[[moderate]]", "[[late-moderate]]", "[[quota]]"}


class TestOpenAI(Polled):
    harness = HARNESS


class TestSGLang(Polled):
    harness = replace(
        HARNESS, simulator=partial(SimulatedVendor, flavour="sglang"), lacks=OWN_SERVERS_LACK
    )


class TestVLLMOmni(Polled):
    harness = replace(
        HARNESS,
        simulator=partial(SimulatedVendor, flavour="vllm"),
        lacks=OWN_SERVERS_LACK,
        cancels=True,
    )
