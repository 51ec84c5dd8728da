"""Luma's Dream Machine: what is said to it, and what its sentences mean."""

import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from governance.kernel import ids
from governance.kernel.errors import ConfigurationError
from governance.routing import Fault, Order
from governance.routing.account import Account
from governance.routing.provider import Input
from governance.routing.providers.luma import Luma
from governance.routing.providers.luma_api import is_moderated
from governance.simulators.luma import SimulatedLuma


@pytest.fixture(scope="module")
def vendor() -> Iterator[SimulatedLuma]:
    with SimulatedLuma() as running:
        yield running


@pytest.fixture(scope="module")
def provider(vendor: SimulatedLuma) -> Luma:
    return Luma(Account(key=SecretStr(vendor.key), base_url=vendor.url), timeout=10)


def order(magic: str = "", **changes: Any) -> Order:
    prompt = f"a fox named Rosa {magic}"
    plain = Order(ids.new_id("gen"), "ray-flash-2", prompt, 5, 960, 540, "video")
    return Order(**(vars(plain) | changes))


@pytest.mark.parametrize(
    ("frame", "resolution", "ratio"),
    [
        ((960, 540), "540p", "16:9"),
        ((720, 1280), "720p", "9:16"),
        ((1080, 1080), "1080p", "1:1"),
        ((3840, 2160), "4k", "16:9"),
        ((1260, 540), "540p", "21:9"),
    ],
)
def test_a_frame_is_told_in_the_vendors_words(
    provider: Luma, vendor: SimulatedLuma, frame: tuple[int, int], resolution: str, ratio: str
) -> None:
    provider.submit(order(seconds=9, width=frame[0], height=frame[1]))

    sent = vendor.state.bodies[-1]
    assert (sent["resolution"], sent["aspect_ratio"], sent["duration"]) == (resolution, ratio, "9s")


def test_a_refusal_costs_nothing_and_its_reason_stays_with_us(provider: Luma) -> None:
    job, _ = provider.submit(order("[[late-moderate]]"))

    status = provider.poll(job)

    assert (status.fault, status.cost) == ("refused", Decimal(0))
    assert "moderation failed" not in status.message + status.raw


@pytest.mark.parametrize(
    ("sentence", "moderated"),
    [
        ("Contains blacklisted words", True),
        ("Frame moderation failed", True),
        ("Advanced prompt moderation failed", True),
        ("Failed to read user input frames", False),
        ("Prompt processing failed", False),
        (None, False),
    ],
)
def test_the_sentences_of_moderation_are_known(sentence: str | None, moderated: bool) -> None:
    assert is_moderated(sentence) is moderated


def test_the_key_and_the_files_signature_stay_where_they_belong(
    provider: Luma, vendor: SimulatedLuma, tmp_path: Path
) -> None:
    job, raw = provider.submit(order())

    raw += provider.poll(job).raw
    provider.fetch(job, tmp_path / "clip.mp4", 5_000_000)

    assert "/_files/" in raw
    assert "X-Amz-Signature" not in raw
    assert vendor.state.leaked == 0


def test_a_key_that_is_withdrawn_before_the_download_loses_nothing(
    provider: Luma, vendor: SimulatedLuma, tmp_path: Path
) -> None:
    job, _ = provider.submit(order())
    stranger = Luma(Account(key=SecretStr("withdrawn"), base_url=vendor.url))

    with pytest.raises(Fault) as fault:
        stranger.fetch(job, tmp_path / "clip.mp4", 5_000_000)

    assert fault.value.kind == "unavailable"


def test_files_of_ours_cannot_go_along(provider: Luma, tmp_path: Path) -> None:
    frame = Input("first_frame", tmp_path / "frame.png", "image/png")

    with pytest.raises(Fault, match="words alone"):
        provider.submit(order(inputs=(frame,)))


def test_an_address_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        Luma(Account(key=SecretStr("key"), base_url="ftp://luma.example"))

    assert refusal.value.code == "provider_url_invalid"


def test_without_its_sdk_it_is_not_configured(
    provider: Luma, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert provider.configured()

    monkeypatch.setitem(sys.modules, "lumaai", None)

    assert not provider.configured()
