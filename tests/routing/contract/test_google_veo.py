"""Veo keeps the contract."""

from functools import partial

from pydantic import SecretStr

from governance.routing.account import Account
from governance.routing.providers.google_veo import GoogleVeo
from governance.simulators.veo import LOCATION, PROJECT, SimulatedVeo

from .harness import Harness, Simulator
from .suite import Polled

MODEL = "veo-3.1-generate-001"


def account(simulator: Simulator, token: str) -> Account:
    return Account(SecretStr(token), base_url=simulator.url, project=PROJECT, location=LOCATION)


class TestVeo(Polled):
    harness = Harness(
        name="google-veo",
        simulator=partial(SimulatedVeo, shrink=8),
        provider=lambda account, _, timeout: GoogleVeo(account, timeout),
        model=MODEL,
        seconds=4,
        account=account,
        # The video is in the answer: there is no address.
        lacks=frozenset(
            {"[[redirect]]", "[[foreign]]", "[[expired]]", "[[expired-once]]", "[[cut]]"}
        ),
        cannot=({"media": "audio"}, {"seconds": 5}, {"width": 1000}, {"task": "edit"}),
        lost=f"projects/{PROJECT}/locations/{LOCATION}/publishers/google/models/{MODEL}"
        "/operations/job-that-nobody-knows",
    )
