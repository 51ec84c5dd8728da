"""Luma's Dream Machine keeps the contract."""

from governance.routing.providers.luma import Luma
from governance.simulators.luma import SimulatedLuma

from .harness import Harness
from .suite import Polled


class TestLuma(Polled):
    harness = Harness(
        name="luma",
        simulator=SimulatedLuma,
        provider=lambda account, _, timeout: Luma(account, timeout),
        model="ray-flash-2",
        seconds=5,
        size=(960, 540),
        cannot=(
            {"media": "audio"},
            {"media": "image", "seconds": 0},
            {"task": "extend"},
            {"audio": True},
            {"seconds": 6},
            {"width": 832, "height": 480},
            {"width": 1000, "height": 540},
            {"prompt": "ab"},
        ),
    )
