"""OpenAI's images and speech keep the contract."""

from pathlib import Path

from governance.routing.account import Account
from governance.routing.providers.openai import OpenAI
from governance.routing.spool import Spool
from governance.simulators.openai_media import SimulatedOpenAI

from .harness import Harness
from .suite import NEVER_ASKED, Immediate


def provider(account: Account, folder: Path, timeout: float) -> OpenAI:
    return OpenAI(account, Spool(folder), timeout)


class TestImages(Immediate):
    harness = Harness(
        name="openai",
        simulator=SimulatedOpenAI,
        provider=provider,
        model="gpt-image-2",
        media="image",
        seconds=0,
        size=(256, 144),
        recoverable=True,
        lacks=NEVER_ASKED,
        cannot=(
            {"media": "video"},
            {"width": 250},
            {"width": 1024, "height": 128},
            {"width": 4096},
            {"task": "upscale"},
            {"task": "edit"},
        ),
    )


class TestSpeech(Immediate):
    harness = Harness(
        name="openai",
        simulator=SimulatedOpenAI,
        provider=provider,
        model="gpt-4o-mini-tts",
        media="audio",
        seconds=5,
        size=(0, 0),
        recoverable=True,
        # Bytes of sound have no grammar that could be broken.
        lacks=NEVER_ASKED | {"[[garbled]]"},
        cannot=({"media": "video"}, {"task": "extend"}, {"prompt": "a" * 4097}),
    )
