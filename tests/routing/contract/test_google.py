"""Gemini's video, images and speech keep the contract."""

from pathlib import Path

from governance.routing.account import Account
from governance.routing.providers.google import Google
from governance.routing.spool import Spool
from governance.simulators.google import SimulatedGoogle

from .harness import Bench, Harness
from .suite import NEVER_ASKED, Immediate, Polled


def google(account: Account, folder: Path, timeout: float) -> Google:
    return Google(account, Spool(folder), timeout)


class TestOmni(Polled):
    harness = Harness(
        name="google",
        simulator=SimulatedGoogle,
        provider=google,
        model="gemini-omni-1.2-flash",
        seconds=3,
        size=(640, 360),
        cancels=True,
        # An address of the vendor's holds as long as its file does: there is no other to ask for.
        lacks=frozenset({"[[expired-once]]"}),
        cannot=({"width": 1000, "height": 1000}, {"seconds": 2}, {"task": "edit"}),
    )

    def test_what_was_ordered_is_found_again_exactly_where_the_vendor_can(
        self, bench: Bench
    ) -> None:
        """The adapter finds images and speech, which it has kept; there is no list of videos."""
        order = self.harness.order()
        bench.provider.submit(order)

        assert bench.another().recover(order.key) is None


class TestImages(Immediate):
    harness = Harness(
        name="google",
        simulator=SimulatedGoogle,
        provider=google,
        model="gemini-3.1-flash-image",
        media="image",
        seconds=0,
        size=(1024, 1024),
        recoverable=True,
        lacks=NEVER_ASKED,
        cannot=({"width": 4096, "height": 100}, {"task": "upscale"}, {"task": "edit"}),
    )


class TestSpeech(Immediate):
    harness = Harness(
        name="google",
        simulator=SimulatedGoogle,
        provider=google,
        model="gemini-3.8-flash-tts",
        media="audio",
        seconds=0,
        size=(0, 0),
        recoverable=True,
        lacks=NEVER_ASKED,
        cannot=({"task": "edit"},),
    )
