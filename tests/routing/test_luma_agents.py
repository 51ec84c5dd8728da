"""Luma Agents: files that go along, opaque users, and the vendor's codes of failure."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from governance.domain import InputRole
from governance.kernel import ids
from governance.routing import Fault, Order
from governance.routing.account import Account
from governance.routing.provider import Input
from governance.routing.providers import luma_agents
from governance.routing.providers.luma_agents import LumaAgents
from governance.simulators.luma_agents import SimulatedLumaAgents


@pytest.fixture(scope="module")
def vendor() -> Iterator[SimulatedLumaAgents]:
    with SimulatedLumaAgents() as running:
        yield running


@pytest.fixture(scope="module")
def provider(vendor: SimulatedLumaAgents) -> LumaAgents:
    return LumaAgents(Account(key=SecretStr(vendor.key), base_url=vendor.url), timeout=10)


def video(magic: str = "", **changes: Any) -> Order:
    prompt = f"a fox named Rosa {magic}"
    plain = Order(ids.new_id("gen"), "ray-3.2", prompt, 5, 640, 360, "video")
    return Order(**(vars(plain) | changes))


def image(**changes: Any) -> Order:
    plain: dict[str, Any] = {"model": "uni-1", "media": "image", "seconds": 0, "width": 640}
    return video(**(plain | changes))


def file(folder: Path, role: InputRole, media_type: str = "image/png", content: str = "") -> Input:
    path = folder / f"{role}-{ids.new_id('file')}"
    path.write_bytes((content or role).encode())
    return Input(role, path, media_type)


def held(reference: dict[str, str]) -> str:
    return base64.b64decode(reference["data"]).decode()


def test_the_vendor_learns_of_the_user_only_the_orders_key(
    provider: LumaAgents, vendor: SimulatedLumaAgents
) -> None:
    wanted = video()

    provider.submit(wanted)

    assert vendor.state.bodies[-1]["user_id"] == wanted.key


@pytest.mark.parametrize(("seconds", "last"), [(5, 120), (10, 240)])
def test_first_and_last_frame_are_pinned_to_the_ends(
    provider: LumaAgents, vendor: SimulatedLumaAgents, tmp_path: Path, seconds: int, last: int
) -> None:
    files = (file(tmp_path, "last_frame"), file(tmp_path, "first_frame"))

    provider.submit(video(seconds=seconds, inputs=files))

    options = vendor.state.bodies[-1]["video"]
    assert [held(frame) for frame in options["keyframes"]] == ["first_frame", "last_frame"]
    assert options["keyframe_indexes"] == [0, last]


def test_a_video_is_edited_from_its_source(
    provider: LumaAgents, vendor: SimulatedLumaAgents, tmp_path: Path
) -> None:
    source = file(tmp_path, "source", "video/mp4")

    provider.submit(video(task="edit", seconds=12, inputs=(source,)))

    sent = vendor.state.bodies[-1]
    assert (sent["type"], held(sent["source"])) == ("video_edit", "source")
    assert "duration" not in sent["video"]


def test_an_image_is_edited_from_its_source_and_references(
    provider: LumaAgents, vendor: SimulatedLumaAgents, tmp_path: Path
) -> None:
    files = (file(tmp_path, "reference", content="style"), file(tmp_path, "source"))

    provider.submit(image(task="edit", height=640, inputs=files))

    sent = vendor.state.bodies[-1]
    assert (sent["type"], held(sent["source"])) == ("image_edit", "source")
    assert [held(reference) for reference in sent["image_ref"]] == ["style"]


@pytest.mark.parametrize(
    ("order", "files"),
    [
        (video(), ("reference",)),
        (video(), ("first_frame", "first_frame")),
        (video(task="edit"), ("source",)),  # an image is no source of a video
        (video(task="edit", seconds=19), ("source",)),
        (image(height=640), ("reference",) * 10),
        (image(height=640, task="edit"), ("source", *("reference",) * 9)),
        (image(height=640), ("first_frame",)),
    ],
)
def test_files_that_the_model_cannot_use_are_not_sent(
    provider: LumaAgents,
    vendor: SimulatedLumaAgents,
    tmp_path: Path,
    order: Order,
    files: tuple[InputRole, ...],
) -> None:
    inputs = tuple(file(tmp_path, role) for role in files)

    with pytest.raises(Fault) as fault:
        provider.submit(Order(**(vars(order) | {"inputs": inputs})))

    assert fault.value.kind == "invalid"
    assert order.key not in vendor.state.by_user


def test_a_file_that_cannot_be_read_stops_the_order_before_it_is_sent(
    provider: LumaAgents, tmp_path: Path
) -> None:
    missing = Input("first_frame", tmp_path / "nowhere", "image/png")

    with pytest.raises(Fault) as fault:
        provider.submit(video(inputs=(missing,)))

    assert fault.value.kind == "invalid"


def test_files_beyond_the_limit_stop_the_order_before_it_is_sent(
    provider: LumaAgents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(luma_agents, "INPUT_LIMIT", 5)

    with pytest.raises(Fault, match="5 bytes"):
        provider.submit(video(inputs=(file(tmp_path, "first_frame"),)))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("content_moderated", "refused"),
        ("generation_failed", "internal"),
        ("budget_exhausted", "exhausted"),
        ("output_not_found", "gone"),
        ("image_too_large", "invalid"),
        ("unsupported_format", "invalid"),
        ("corrupt_input", "invalid"),
        ("invalid_request", "invalid"),
        ("rate_limited", "throttled"),
        ("something_new", "internal"),
    ],
)
def test_each_code_of_failure_has_its_meaning(provider: LumaAgents, code: str, kind: str) -> None:
    job, _ = provider.submit(video(f"[[code {code}]]"))

    status = provider.poll(job)

    assert (status.state, status.fault) == ("failed", kind)
    assert code in status.message


def test_neither_key_nor_signature_leaves_its_place(
    provider: LumaAgents, vendor: SimulatedLumaAgents, tmp_path: Path
) -> None:
    job, raw = provider.submit(image(height=640))

    raw += provider.poll(job).raw
    provider.fetch(job, tmp_path / "image.png", 5_000_000)

    assert "/_files/" in raw
    assert "X-Amz-Signature" not in raw
    assert vendor.state.leaked == 0
