"""The adapter for Veo against a simulated Agent Platform: the official SDK over real HTTP."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr

from governance.kernel import ids
from governance.kernel.errors import ConfigurationError
from governance.routing import Fault, Order
from governance.routing.account import Account
from governance.routing.provider import Input
from governance.routing.providers import google_sdk
from governance.routing.providers.google_veo import GoogleVeo
from governance.simulators import clip
from governance.simulators.veo import LOCATION, PROJECT, SimulatedVeo

LIMIT = 5_000_000
MODEL = "veo-3.1-generate-001"


@pytest.fixture(scope="module")
def vendor() -> Iterator[SimulatedVeo]:
    with SimulatedVeo(shrink=8) as running:
        yield running


@pytest.fixture(scope="module")
def provider(vendor: SimulatedVeo) -> GoogleVeo:
    return GoogleVeo(account(vendor), timeout=10)


def account(vendor: SimulatedVeo, **changes: Any) -> Account:
    usual = Account(SecretStr(vendor.key), base_url=vendor.url, project=PROJECT, location=LOCATION)
    return replace(usual, **changes)


def order(magic: str = "", **changes: Any) -> Order:
    key = ids.new_id("gen")
    return replace(Order(key, MODEL, f"a fox {key} {magic}", 4, 1280, 720, "video"), **changes)


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inputs") / "picture"
    path.write_bytes(clip.still("a picture", 32, 18))
    return path


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inputs") / "film"
    path.write_bytes(clip.encode("a film", 1, 128, 72))
    return path


class TestAnOrder:
    def test_carries_our_key_and_says_whether_there_is_sound(
        self, provider: GoogleVeo, vendor: SimulatedVeo
    ) -> None:
        wanted = order(audio=True)

        provider.submit(wanted)

        body = vendor.state.orders[-1]
        assert body["labels"] == {"generation": wanted.key}
        assert body["instances"] == [{"prompt": wanted.prompt}]
        assert body["parameters"] == {
            "sampleCount": 1,
            "durationSeconds": 4,
            "aspectRatio": "16:9",
            "resolution": "720p",
            "generateAudio": True,
        }

    def test_takes_a_first_and_a_last_frame(
        self, provider: GoogleVeo, vendor: SimulatedVeo, picture: Path
    ) -> None:
        files = (
            Input("last_frame", picture, "image/png"),
            Input("first_frame", picture, "image/png"),
        )

        provider.submit(order(inputs=files))

        instance = vendor.state.orders[-1]["instances"][0]
        assert instance["image"]["mimeType"] == "image/png"
        assert instance["lastFrame"] == instance["image"]

    def test_takes_references_at_eight_seconds(
        self, provider: GoogleVeo, vendor: SimulatedVeo, picture: Path
    ) -> None:
        references = (Input("reference", picture, "image/png"),) * 2

        provider.submit(order(inputs=references, seconds=8))

        given = vendor.state.orders[-1]["instances"][0]["referenceImages"]
        assert [reference["referenceType"] for reference in given] == ["ASSET", "ASSET"]

    def test_extends_a_video_by_seven_seconds(
        self, provider: GoogleVeo, vendor: SimulatedVeo, film: Path
    ) -> None:
        source = Input("source", film, "video/mp4")

        provider.submit(order(task="extend", seconds=7, inputs=(source,)))

        assert vendor.state.orders[-1]["instances"][0]["video"]["mimeType"] == "video/mp4"

    @pytest.mark.parametrize(
        "changes",
        [
            {"width": 1920, "height": 1080},  # 4 s
            {"width": 640, "height": 360},
            {"task": "extend", "seconds": 7},
            {"task": "edit"},
            {"roles": ["last_frame"]},
            {"roles": ["source"]},
            {"roles": ["reference"]},  # 4 s
            {"roles": ["reference", "first_frame"], "seconds": 8},
            {"roles": ["reference"] * 4, "seconds": 8},
        ],
    )
    def test_that_veo_does_not_make_is_not_placed(
        self, provider: GoogleVeo, vendor: SimulatedVeo, picture: Path, changes: dict[str, Any]
    ) -> None:
        roles = changes.get("roles", [])
        files = tuple(Input(role, picture, "image/png") for role in roles)
        wanted = order(inputs=files, **{k: v for k, v in changes.items() if k != "roles"})

        with pytest.raises(Fault) as fault:
            provider.submit(wanted)

        assert fault.value.kind == "invalid"
        assert vendor.posts(wanted.prompt) == 0

    def test_of_an_upright_frame_is_made_upright(self, provider: GoogleVeo, tmp_path: Path) -> None:
        job, _ = provider.submit(order(width=720, height=1280))

        provider.fetch(job, tmp_path / "clip", LIMIT)

        with av.open(str(tmp_path / "clip")) as container:
            picture = container.streams.video[0]
            assert (picture.width, picture.height) == (90, 160)


class TestAnOperation:
    @pytest.mark.parametrize(
        ("magic", "kind"), [("[[guidelines]]", "refused"), ("[[busy]]", "throttled")]
    )
    def test_that_ended_in_an_error_says_which(
        self, provider: GoogleVeo, magic: str, kind: str
    ) -> None:
        status = provider.poll(provider.submit(order(magic))[0])

        assert (status.state, status.fault) == ("failed", kind)

    def test_is_kept_without_its_video(self, provider: GoogleVeo) -> None:
        status = provider.poll(provider.submit(order())[0])

        assert json.loads(status.raw)["videos"] == 1
        assert len(status.raw) < 500


class TestTheProbe:
    def test_says_yes_to_a_model_that_is_served(self, provider: GoogleVeo) -> None:
        assert provider.probe(MODEL)

    def test_says_no_to_one_that_is_not_and_orders_nothing(self, tmp_path: Path) -> None:
        with SimulatedVeo() as vendor:
            vendor.state.models.remove(MODEL)

            assert not GoogleVeo(account(vendor)).probe(MODEL)
            assert vendor.state.by_prompt.total() == 0

    def test_takes_everything_else_for_a_no(self, vendor: SimulatedVeo) -> None:
        assert not GoogleVeo(account(vendor, key=SecretStr("withdrawn"))).probe(MODEL)
        assert not GoogleVeo(account(vendor, base_url="http://127.0.0.1:9")).probe(MODEL)


class TestTheAccount:
    @pytest.mark.parametrize("lacking", ["project", "location"])
    def test_needs_a_place(self, vendor: SimulatedVeo, lacking: str) -> None:
        assert not GoogleVeo(account(vendor, **{lacking: ""})).configured()

    def test_may_hold_a_service_accounts_key_which_asks_only_google_for_tokens(
        self, vendor: SimulatedVeo
    ) -> None:
        held = SecretStr(json.dumps(service_account(token_uri="https://elsewhere.example/token")))

        client = google_sdk.platform(account(vendor, key=held), 1, keep_alive=0)

        minting: Any = client._api_client._credentials
        assert minting._token_uri == "https://oauth2.googleapis.com/token"
        assert not minting.token

    @pytest.mark.parametrize("key", ["", '{"type": "service_account"}', "{"])
    def test_with_a_key_that_is_none_orders_nothing(self, vendor: SimulatedVeo, key: str) -> None:
        wanted = order()

        with pytest.raises(Fault) as fault:
            GoogleVeo(account(vendor, key=SecretStr(key))).submit(wanted)

        assert fault.value.kind == "auth"
        assert vendor.posts(wanted.prompt) == 0

    def test_with_an_address_that_is_none_refuses_to_start(self) -> None:
        with pytest.raises(ConfigurationError, match="http"):
            GoogleVeo(Account(base_url="ftp://example.com"))

    @pytest.mark.parametrize(
        ("location", "address"),
        [
            ("global", "https://aiplatform.googleapis.com/"),
            ("eu", "https://aiplatform.eu.rep.googleapis.com/"),
            ("us-central1", "https://us-central1-aiplatform.googleapis.com/"),
        ],
    )
    def test_stays_in_its_region_whatever_the_environment_says(
        self, location: str, address: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GOOGLE_VERTEX_BASE_URL", "http://127.0.0.1:9")
        monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "asia-east1")
        held = Account(SecretStr("token"), project="film", location=location)

        client = google_sdk.platform(held, 1, keep_alive=0)

        assert client._api_client._http_options.base_url == address
        assert client._api_client.location == location


def service_account(**changes: str) -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    usual = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "1",
        "private_key": key.decode(),
        "client_email": "film@simulated.iam.gserviceaccount.com",
        "client_id": "1",
    }
    return usual | changes
