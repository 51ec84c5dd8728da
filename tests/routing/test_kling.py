"""What is Kling's own: its two kinds of credentials, its words, its codes, its key for recovery."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from freezegun import freeze_time
from pydantic import SecretStr

from governance.domain import InputRole
from governance.kernel import ids
from governance.kernel.errors import ConfigurationError
from governance.routing import Fault, Job, Order
from governance.routing.account import Account
from governance.routing.provider import Input
from governance.routing.providers.kling import Kling
from governance.simulators.kling import ACCESS_KEY, SECRET_KEY, SimulatedKling

PICTURE = b"\x89PNG\r\n\x1a\n of a fox"


@pytest.fixture(scope="module")
def vendor() -> Iterator[SimulatedKling]:
    with SimulatedKling(shrink=10) as running:
        yield running


@pytest.fixture(scope="module")
def provider(vendor: SimulatedKling) -> Kling:
    return Kling(account(vendor), timeout=10)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "fox"
    path.write_bytes(PICTURE)
    return path


def account(vendor: SimulatedKling, key: str = "", secret: str = "") -> Account:
    return Account(SecretStr(key or vendor.key), SecretStr(secret), vendor.url)


def pair(vendor: SimulatedKling, secret: str = SECRET_KEY) -> Account:
    return account(vendor, ACCESS_KEY, secret)


def order(magic: str = "", **changes: Any) -> Order:
    prompt = f"a fox named Rosa {magic}".strip()
    plain = Order(ids.new_id("gen"), "kling-v2-6", prompt, 5, 1280, 720, "video")
    return Order(**(vars(plain) | changes))


def file(path: Path, role: InputRole = "first_frame", media_type: str = "image/png") -> Input:
    return Input(role, path, media_type)


def sent(vendor: SimulatedKling, wanted: Order) -> dict[str, Any]:
    return vendor.state.bodies[wanted.key]


class TestTheOlderPairOfKeys:
    def test_makes_a_token_that_the_vendor_takes(
        self, vendor: SimulatedKling, tmp_path: Path
    ) -> None:
        provider = Kling(pair(vendor))
        job, _ = provider.submit(order())

        assert provider.poll(job).state == "succeeded"
        provider.fetch(job, tmp_path / "clip.mp4", 5_000_000)

    def test_makes_one_for_each_call_as_each_is_soon_out_of_date(
        self, vendor: SimulatedKling
    ) -> None:
        provider = Kling(pair(vendor))
        with freeze_time() as now:
            job, _ = provider.submit(order())
            now.tick(timedelta(hours=2))

            assert provider.poll(job).state == "succeeded"

    def test_is_refused_with_another_secret_which_is_not_repeated(
        self, vendor: SimulatedKling
    ) -> None:
        stranger = Kling(pair(vendor, secret="a-secret-of-somebody-else-entirely"))

        with pytest.raises(Fault) as fault:
            stranger.submit(order())

        assert fault.value.kind == "auth"
        assert "somebody" not in fault.value.raw + fault.value.message + repr(stranger)
        assert "[withheld]" in fault.value.raw
        assert "eyJ" not in fault.value.raw

    def test_does_not_reach_the_unified_protocol(self, vendor: SimulatedKling) -> None:
        with pytest.raises(Fault) as fault:
            Kling(pair(vendor)).submit(order(model="kling-3.0-turbo"))

        assert fault.value.kind == "auth"

    def test_finds_orders_again_by_our_key(self, vendor: SimulatedKling) -> None:
        provider = Kling(pair(vendor))
        wanted = order()
        job, _ = provider.submit(wanted)

        found = provider.recover(wanted.key)

        assert found is not None
        assert found.id == job.id


class TestAnOrder:
    def test_names_our_key_and_says_its_length_in_words(
        self, provider: Kling, vendor: SimulatedKling
    ) -> None:
        wanted = order()

        job, raw = provider.submit(wanted)

        assert sent(vendor, wanted) == {
            "model_name": "kling-v2-6",
            "prompt": wanted.prompt,
            "duration": "5",
            "mode": "std",
            "sound": "off",
            "aspect_ratio": "16:9",
            "external_task_id": wanted.key,
        }
        assert job.id == f"text2video/{json.loads(raw)['data']['task_id']}"

    @pytest.mark.parametrize(
        ("changes", "mode", "sound", "ratio"),
        [
            ({"width": 720, "height": 1280}, "std", "off", "9:16"),
            ({"width": 854, "height": 480}, "std", "off", "16:9"),
            ({"width": 1080, "height": 1080}, "pro", "off", "1:1"),
            ({"width": 1920, "height": 1080}, "pro", "off", "16:9"),
            ({"audio": True}, "pro", "on", "16:9"),
            ({"model": "kling-v3", "seconds": 15}, "std", "off", "16:9"),
        ],
    )
    def test_is_professional_for_sound_and_for_large_frames(
        self,
        provider: Kling,
        vendor: SimulatedKling,
        changes: dict[str, Any],
        mode: str,
        sound: str,
        ratio: str,
    ) -> None:
        wanted = order(**changes)

        provider.submit(wanted)

        body = sent(vendor, wanted)
        assert (body["mode"], body["sound"], body["aspect_ratio"]) == (mode, sound, ratio)

    def test_from_a_picture_sends_it_bare_and_leaves_the_shape_to_it(
        self, provider: Kling, vendor: SimulatedKling, picture: Path
    ) -> None:
        wanted = order(inputs=(file(picture),))

        job, _ = provider.submit(wanted)

        assert job.id.startswith("image2video/")
        assert base64.b64decode(sent(vendor, wanted)["image"]) == PICTURE
        assert "aspect_ratio" not in sent(vendor, wanted)
        assert provider.poll(job).state == "succeeded"

    def test_with_a_last_frame_is_professional(
        self, provider: Kling, vendor: SimulatedKling, picture: Path
    ) -> None:
        wanted = order(inputs=(file(picture), file(picture, "last_frame", "image/jpeg")))

        provider.submit(wanted)

        assert sent(vendor, wanted)["mode"] == "pro"
        assert base64.b64decode(sent(vendor, wanted)["image_tail"]) == PICTURE

    def test_from_references_goes_to_a_place_of_its_own(
        self, provider: Kling, vendor: SimulatedKling, picture: Path
    ) -> None:
        wanted = order(inputs=(file(picture, "reference"), file(picture, "reference")))

        job, _ = provider.submit(wanted)

        assert job.id.startswith("multi-image2video/")
        assert len(sent(vendor, wanted)["image_list"]) == 2
        assert provider.poll(job).state == "succeeded"

    def test_of_the_turbo_model_speaks_the_other_protocol(
        self, provider: Kling, vendor: SimulatedKling
    ) -> None:
        wanted = order(model="kling-3.0-turbo", seconds=3, width=1920, height=1080)

        job, _ = provider.submit(wanted)

        assert job.id.startswith("tasks/")
        assert sent(vendor, wanted) == {
            "prompt": wanted.prompt,
            "settings": {"resolution": "1080p", "duration": 3, "aspect_ratio": "16:9"},
            "options": {"external_task_id": wanted.key},
        }

    def test_of_the_turbo_model_from_a_picture(
        self, provider: Kling, vendor: SimulatedKling, picture: Path
    ) -> None:
        wanted = order(model="kling-3.0-turbo", inputs=(file(picture),))

        job, _ = provider.submit(wanted)

        words, frame = sent(vendor, wanted)["contents"]
        assert words == {"type": "prompt", "text": wanted.prompt}
        assert base64.b64decode(frame["url"]) == PICTURE
        assert provider.poll(job).state == "succeeded"

    @pytest.mark.parametrize(
        ("roles", "changes"),
        [
            (["last_frame"], {}),
            (["first_frame", "first_frame"], {}),
            (["first_frame", "reference"], {}),
            (["reference"] * 5, {}),
            (["reference"], {"audio": True}),
            (["source"], {}),
            (["first_frame", "last_frame"], {"model": "kling-3.0-turbo"}),
            (["reference"], {"model": "kling-3.0-turbo"}),
        ],
    )
    def test_from_files_that_go_together_nowhere_is_not_placed(
        self,
        provider: Kling,
        vendor: SimulatedKling,
        picture: Path,
        roles: list[InputRole],
        changes: dict[str, Any],
    ) -> None:
        wanted = order(inputs=tuple(file(picture, role) for role in roles), **changes)

        with pytest.raises(Fault) as fault:
            provider.submit(wanted)

        assert fault.value.kind == "invalid"
        assert vendor.posts(wanted.key) == 0

    @pytest.mark.parametrize("problem", ["kind", "size", "missing"])
    def test_from_a_file_that_cannot_be_sent_is_not_placed(
        self, provider: Kling, vendor: SimulatedKling, picture: Path, problem: str
    ) -> None:
        if problem == "size":
            with picture.open("r+b") as large:
                large.truncate(10 * 1024 * 1024 + 1)
        if problem == "missing":
            picture.unlink()
        media_type = "image/webp" if problem == "kind" else "image/png"
        wanted = order(inputs=(file(picture, media_type=media_type),))

        with pytest.raises(Fault) as fault:
            provider.submit(wanted)

        assert fault.value.kind == "invalid"
        assert vendor.posts(wanted.key) == 0

    def test_of_a_length_that_the_model_does_not_make_is_invalid(self, provider: Kling) -> None:
        with pytest.raises(Fault) as fault:
            provider.submit(order(seconds=7))

        assert fault.value.kind == "invalid"


class TestARefusal:
    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            (1000, "auth"),
            (1004, "auth"),
            (1100, "auth"),
            (1101, "exhausted"),
            (1102, "exhausted"),
            (1103, "auth"),
            (1200, "invalid"),
            (1202, "invalid"),
            (1203, "gone"),
            (1300, "refused"),
            (1301, "refused"),
            (1302, "throttled"),
            (1303, "throttled"),
            (1304, "auth"),
            (5000, "ambiguous"),
            (5001, "ambiguous"),
            (5002, "ambiguous"),
            (7777, "ambiguous"),
        ],
    )
    def test_is_told_by_its_code_even_where_http_says_that_all_is_well(
        self, provider: Kling, code: int, kind: str
    ) -> None:
        with pytest.raises(Fault) as fault:
            provider.submit(order(f"[[code-{code}]]"))

        assert fault.value.kind == kind
        assert str(code) in fault.value.message or kind == "ambiguous"

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (200, "ambiguous"),
            (401, "auth"),
            (413, "invalid"),
            (429, "throttled"),
            (502, "ambiguous"),
            (504, "ambiguous"),
        ],
    )
    def test_by_a_page_of_a_gateway_is_told_by_its_status(
        self, provider: Kling, status: int, kind: str
    ) -> None:
        with pytest.raises(Fault) as fault:
            provider.submit(order(f"[[gateway-{status}]]"))

        assert fault.value.kind == kind

    def test_of_a_key_that_the_vendor_has_already_is_no_proof_that_nothing_was_ordered(
        self, provider: Kling, vendor: SimulatedKling
    ) -> None:
        wanted = order()
        first, _ = provider.submit(wanted)

        with pytest.raises(Fault) as fault:
            provider.submit(wanted)

        assert fault.value.kind == "ambiguous"
        found = provider.recover(wanted.key)
        assert found is not None
        assert found.id == first.id
        assert sum(t.external_id == wanted.key for t in vendor.state.tasks.values()) == 1


class TestARecovery:
    @pytest.mark.parametrize("roles", [[], ["first_frame"], ["reference"]])
    def test_finds_the_order_wherever_it_went(
        self, provider: Kling, picture: Path, roles: list[InputRole]
    ) -> None:
        wanted = order("[[500]]", inputs=tuple(file(picture, role) for role in roles))
        with pytest.raises(Fault):
            provider.submit(wanted)

        found = provider.recover(wanted.key)

        assert found is not None
        assert provider.poll(found).state == "succeeded"

    def test_does_not_take_a_task_that_names_another_key(self, provider: Kling) -> None:
        job, _ = provider.submit(order())

        assert provider.recover(job.id.partition("/")[2]) is None

    def test_that_is_not_answered_is_no_proof_that_there_is_nothing(self) -> None:
        with SimulatedKling() as closing:
            provider = Kling(account(closing), timeout=2)

        with pytest.raises(Fault) as fault:
            provider.recover("gen_1")

        assert fault.value.kind == "unavailable"

    def test_without_the_right_key_is_no_proof_either(self, vendor: SimulatedKling) -> None:
        with pytest.raises(Fault) as fault:
            Kling(account(vendor, "withdrawn")).recover("gen_1")

        assert fault.value.kind == "unavailable"


class TestAFile:
    def test_is_fetched_without_showing_our_key_to_the_content_network(
        self, provider: Kling, vendor: SimulatedKling, tmp_path: Path
    ) -> None:
        job, _ = provider.submit(order())

        provider.fetch(job, tmp_path / "clip.mp4", 5_000_000)

        control = httpx.get(f"{vendor.url}/_control/posts", trust_env=False).json()
        assert control["leaked"] == 0

    def test_costs_units_which_stay_in_the_answer_and_are_no_dollars(self, provider: Kling) -> None:
        job, _ = provider.submit(order())

        status = provider.poll(job)

        assert status.cost is None
        assert json.loads(status.raw)["data"]["final_unit_deduction"] == "1.5"


class TestTheConfiguration:
    def test_needs_a_key_and_knows_the_vendors_address(self) -> None:
        assert Kling(Account(key=SecretStr("key"))).configured()
        assert not Kling(Account(base_url="https://api-beijing.klingai.com")).configured()

    def test_with_an_address_that_is_none_is_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="http"):
            Kling(Account(key=SecretStr("key"), base_url="ftp://example.com"))

    @pytest.mark.parametrize("job_id", ["", "text2video", "../account/1", "tasks/"])
    def test_of_a_job_of_another_kind_finds_nothing(self, provider: Kling, job_id: str) -> None:
        status = provider.poll(Job(job_id, "video", "kling", "kling-v2-6"))

        assert (status.state, status.fault) == ("failed", "gone")
