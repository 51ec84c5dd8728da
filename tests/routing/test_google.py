"""The Gemini API's adapter against a simulated vendor: the official SDK over real HTTP."""

import base64
import io
import wave
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image
from pydantic import SecretStr

from governance.kernel import ids
from governance.kernel.errors import ConfigurationError
from governance.routing import Fault, Job, Order
from governance.routing.account import Account
from governance.routing.provider import Input
from governance.routing.providers import google_files, google_sdk
from governance.routing.providers.google import Google
from governance.routing.spool import Spool
from governance.simulators import clip
from governance.simulators.google import SimulatedGoogle

LIMIT = 5_000_000
OMNI, IMAGE, SPEECH = "gemini-omni-1.2-flash", "gemini-3.1-flash-image", "gemini-3.8-flash-tts"


@pytest.fixture(scope="module")
def vendor() -> Iterator[SimulatedGoogle]:
    with SimulatedGoogle() as running:
        yield running


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def provider(vendor: SimulatedGoogle, kept: Path) -> Google:
    return adapter(vendor, kept)


def adapter(vendor: SimulatedGoogle, folder: Path) -> Google:
    account = Account(SecretStr(vendor.key), base_url=vendor.url)
    return Google(account, Spool(folder / "spool"), timeout=10)


def video(magic: str = "", **changes: Any) -> Order:
    key = ids.new_id("gen")
    return replace(Order(key, OMNI, f"a fox {key} {magic}", 3, 640, 360, "video"), **changes)


def image(magic: str = "", **changes: Any) -> Order:
    key = ids.new_id("gen")
    return replace(Order(key, IMAGE, f"a fox {key} {magic}", 0, 1024, 1024, "image"), **changes)


def speech(words: str = "The fox has gone.", **changes: Any) -> Order:
    return replace(Order(ids.new_id("gen"), SPEECH, words, 0, 0, 0, "audio"), **changes)


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inputs") / "picture"
    path.write_bytes(clip.still("a picture", 32, 18))
    return path


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inputs") / "film"
    path.write_bytes(clip.encode("a film", 2, 128, 72))
    return path


class TestAVideoOrder:
    def test_is_a_background_interaction_that_carries_our_key(
        self, provider: Google, vendor: SimulatedGoogle
    ) -> None:
        order = video()

        provider.submit(order)

        body = vendor.state.orders[-1]
        assert (body["background"], body["store"]) == (True, True)
        assert body["labels"] == {"generation": order.key}
        assert body["generation_config"] == {"video_config": {"task": "text_to_video"}}
        assert body["response_format"] == {
            "type": "video",
            "delivery": "uri",
            "resolution": "360p",
            "aspect_ratio": "16:9",
            "duration": "3s",
        }
        assert said(body) == order.prompt

    @pytest.mark.parametrize(
        ("width", "height", "words"),
        [
            (1280, 720, ("720p", "16:9")),
            (1080, 1920, ("1080p", "9:16")),
            (3840, 2160, ("4k", "16:9")),
        ],
    )
    def test_names_the_vendors_frames(
        self,
        provider: Google,
        vendor: SimulatedGoogle,
        width: int,
        height: int,
        words: tuple[str, str],
    ) -> None:
        provider.submit(video(width=width, height=height))

        wanted = vendor.state.orders[-1]["response_format"]
        assert (wanted["resolution"], wanted["aspect_ratio"]) == words

    @pytest.mark.parametrize(
        ("roles", "task", "declared"),
        [
            (["first_frame"], "image_to_video", "[# Sources <FIRST_FRAME>@Image1]"),
            (
                ["last_frame", "first_frame"],
                "image_to_video",
                "[# Sources <FIRST_FRAME>@Image1 <LAST_FRAME>@Image2]",
            ),
            (
                ["reference", "reference"],
                "reference_to_video",
                "[# References <IMAGE_REF_0>@Image1 <IMAGE_REF_1>@Image2]",
            ),
            (
                ["reference", "first_frame"],
                "image_to_video",
                "[# Sources <FIRST_FRAME>@Image1] [# References <IMAGE_REF_0>@Image2]",
            ),
        ],
    )
    def test_says_which_picture_plays_which_part(
        self,
        provider: Google,
        vendor: SimulatedGoogle,
        picture: Path,
        roles: list[Any],
        task: str,
        declared: str,
    ) -> None:
        order = video(inputs=tuple(Input(role, picture, "image/png") for role in roles))

        provider.submit(order)

        body = vendor.state.orders[-1]
        assert body["generation_config"]["video_config"]["task"] == task
        assert said(body) == f"{declared} {order.prompt}"
        blocks = body["input"][0]["content"]
        assert [block["type"] for block in blocks] == [*("image" for _ in roles), "text"]
        assert base64.b64decode(blocks[0]["data"]) == picture.read_bytes()

    @pytest.mark.parametrize(
        ("task", "seconds"),
        [("edit", 2), ("extend", 5)],
    )
    def test_can_change_a_video(
        self,
        provider: Google,
        vendor: SimulatedGoogle,
        film: Path,
        tmp_path: Path,
        task: Any,
        seconds: int,
    ) -> None:
        source = Input("source", film, "video/mp4")

        job, _ = provider.submit(video(task=task, inputs=(source,)))
        provider.fetch(job, tmp_path / "clip", LIMIT)

        assert vendor.state.orders[-1]["generation_config"]["video_config"]["task"] == task
        with av.open(str(tmp_path / "clip")) as container:
            assert (container.duration or 0) / av.time_base == pytest.approx(seconds, abs=0.3)

    def test_enlarges_a_video_without_words(
        self, provider: Google, vendor: SimulatedGoogle, film: Path
    ) -> None:
        provider.submit(video(task="upscale", inputs=(Input("source", film, "video/mp4"),)))

        body = vendor.state.orders[-1]
        assert [block["type"] for block in body["input"][0]["content"]] == ["video"]
        assert set(body["response_format"]) == {"type", "delivery", "resolution"}

    @pytest.mark.parametrize(
        ("task", "roles"),
        [
            ("generate", ["last_frame"]),
            ("generate", ["first_frame", "first_frame"]),
            ("generate", ["source"]),
            ("edit", ["first_frame"]),
            ("edit", ["source"]),  # a picture
            ("upscale", ["source", "reference"]),
        ],
    )
    def test_with_files_that_do_not_fit_is_not_placed(
        self, provider: Google, vendor: SimulatedGoogle, picture: Path, task: Any, roles: list[Any]
    ) -> None:
        order = video(task=task, inputs=tuple(Input(r, picture, "image/png") for r in roles))

        with pytest.raises(Fault) as fault:
            provider.submit(order)

        assert fault.value.kind == "invalid"
        assert vendor.posts(order.prompt) == 0

    def test_with_files_that_are_too_large_is_not_placed(
        self, provider: Google, picture: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(google_files, "MAX_BYTES", 10)

        with pytest.raises(Fault, match="larger") as fault:
            provider.submit(video(inputs=(Input("reference", picture, "image/png"),)))

        assert fault.value.kind == "invalid"

    def test_goes_where_the_account_says_whatever_the_environment_says(
        self, vendor: SimulatedGoogle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GOOGLE_API_KEY", "another")
        monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "another")
        monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", "v9")
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:9")

        job, _ = adapter(vendor, tmp_path).submit(video())

        assert job.id

    def test_without_a_key_is_not_placed_with_one_of_the_environment(
        self, vendor: SimulatedGoogle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GOOGLE_API_KEY", vendor.key)
        order = video()

        with pytest.raises(Fault) as fault:
            Google(Account(base_url=vendor.url), Spool(tmp_path)).submit(order)

        assert fault.value.kind == "auth"
        assert vendor.posts(order.prompt) == 0


class TestAVideo:
    @pytest.mark.parametrize(
        ("magic", "kind"),
        [("[[text-only]]", "refused"), ("[[incomplete]]", "internal"), ("[[budget]]", "exhausted")],
    )
    def test_that_was_not_made_says_why(self, provider: Google, magic: str, kind: str) -> None:
        status = provider.poll(provider.submit(video(magic))[0])

        assert (status.state, status.fault) == ("failed", kind)

    def test_that_was_cancelled_is_gone(self, tmp_path: Path) -> None:
        with SimulatedGoogle(delay=60) as slow:
            provider = adapter(slow, tmp_path)
            job, _ = provider.submit(video())

            assert provider.cancel(job)
            assert provider.poll(job).fault == "gone"

    def test_that_is_finished_cannot_be_cancelled(self, provider: Google) -> None:
        assert not provider.cancel(provider.submit(video())[0])

    def test_whose_file_is_still_written_is_fetched_later(
        self, provider: Google, tmp_path: Path
    ) -> None:
        job, _ = provider.submit(video("[[processing]]"))

        with pytest.raises(Fault) as fault:
            provider.fetch(job, tmp_path / "clip", LIMIT)
        assert fault.value.kind == "unavailable"
        provider.fetch(job, tmp_path / "clip", LIMIT)

        assert (tmp_path / "clip").stat().st_size > 0

    @pytest.mark.parametrize("magic", ["[[moved]]", "[[inline]]", "[[bare]]", "[[vendors-host]]"])
    def test_is_fetched_wherever_the_vendor_puts_it(
        self, provider: Google, tmp_path: Path, magic: str
    ) -> None:
        job, _ = provider.submit(video(magic))

        provider.fetch(job, tmp_path / "clip", LIMIT)

        with av.open(str(tmp_path / "clip")) as container:
            assert container.streams.video[0].width == 640

    def test_is_never_told_in_an_answer_that_is_kept(self, provider: Google) -> None:
        raw = provider.poll(provider.submit(video("[[inline]]"))[0]).raw

        assert '"completed"' in raw
        assert len(raw) < 500


class TestAnAnswerWithoutEnd:
    def test_leaves_an_order_ambiguous(
        self, vendor: SimulatedGoogle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(google_sdk, "MAX_ANSWER", 100)

        with pytest.raises(Fault, match="too large") as fault:
            adapter(vendor, tmp_path).submit(image())

        assert fault.value.kind == "ambiguous"

    def test_leaves_a_job_running(
        self,
        provider: Google,
        vendor: SimulatedGoogle,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        job, _ = provider.submit(video())
        monkeypatch.setattr(google_sdk, "MAX_ANSWER", 100)

        status = adapter(vendor, tmp_path).poll(job)

        assert (status.state, status.fault) == ("running", "internal")


class TestAnImage:
    @pytest.mark.parametrize(
        ("size", "shape"),
        [
            ((1024, 1024), {"aspectRatio": "1:1", "imageSize": "1K"}),
            ((1024, 1536), {"aspectRatio": "2:3", "imageSize": "1K"}),
            ((1920, 1080), {"aspectRatio": "16:9", "imageSize": "2K"}),
            ((2160, 3840), {"aspectRatio": "9:16", "imageSize": "4K"}),
        ],
    )
    def test_is_asked_for_in_the_vendors_sizes(
        self,
        provider: Google,
        vendor: SimulatedGoogle,
        size: tuple[int, int],
        shape: dict[str, str],
    ) -> None:
        provider.submit(image("[[wrong-media]]", width=size[0], height=size[1]))

        config = vendor.state.orders[-1]["generationConfig"]
        assert config["responseModalities"] == ["IMAGE"]
        assert {camel(name): value for name, value in config["imageConfig"].items()} == shape

    def test_is_the_models_answer_and_not_its_thoughts(
        self, provider: Google, tmp_path: Path
    ) -> None:
        job, raw = provider.submit(image())

        provider.fetch(job, tmp_path / "image", LIMIT)

        with Image.open(tmp_path / "image") as opened:
            assert opened.size == (1024, 1024)
        assert "STOP" in raw
        assert len(raw) < 500

    @pytest.mark.parametrize(
        ("magic", "kind"),
        [
            ("[[late-moderate]]", "refused"),
            ("[[text-only]]", "internal"),
            ("[[silent]]", "ambiguous"),
        ],
    )
    def test_that_was_not_drawn_says_why(
        self, provider: Google, vendor: SimulatedGoogle, magic: str, kind: str
    ) -> None:
        order = image(magic)

        with pytest.raises(Fault) as fault:
            provider.submit(order)

        assert fault.value.kind == kind
        assert order.key not in fault.value.raw

    def test_can_be_a_change_of_another(
        self, provider: Google, vendor: SimulatedGoogle, picture: Path
    ) -> None:
        files = (Input("source", picture, "image/png"), Input("reference", picture, "image/png"))

        provider.submit(image(task="edit", inputs=files))

        parts = vendor.state.orders[-1]["contents"][0]["parts"]
        assert [next(iter(part)) for part in parts] == ["inlineData", "inlineData", "text"]

    def test_is_asked_for_once_even_where_the_sdk_would_go_on(
        self, provider: Google, vendor: SimulatedGoogle
    ) -> None:
        order = image("[[continues]]")

        with pytest.raises(Fault):
            provider.submit(order)

        assert vendor.posts(order.prompt) == 1

    def test_that_has_arrived_outlives_a_crash_and_is_not_paid_again(
        self, provider: Google, vendor: SimulatedGoogle, kept: Path
    ) -> None:
        order = image()
        provider.submit(order)

        another = adapter(vendor, kept)
        found = another.recover(order.key)
        again, _ = another.submit(order)

        assert found == Job(order.key, "image", "google", "")
        assert again == Job(order.key, "image", "google", IMAGE)
        assert vendor.posts(order.prompt) == 1


class TestSpeech:
    def test_is_a_file_that_says_how_it_sounds(
        self, provider: Google, vendor: SimulatedGoogle, tmp_path: Path
    ) -> None:
        job, _ = provider.submit(speech("One two three four five.", voice="Puck"))

        provider.fetch(job, tmp_path / "speech", LIMIT)

        with wave.open(io.BytesIO((tmp_path / "speech").read_bytes())) as opened:
            assert (opened.getnchannels(), opened.getsampwidth()) == (1, 2)
            assert opened.getframerate() == 24_000
            assert opened.getnframes() / 24_000 == pytest.approx(2.0)
        assert voice_of(vendor.state.orders[-1]) == "Puck"

    def test_has_a_voice_even_if_none_is_asked_for(
        self, provider: Google, vendor: SimulatedGoogle
    ) -> None:
        provider.submit(speech())

        assert voice_of(vendor.state.orders[-1]) == "Kore"

    def test_takes_no_files(self, provider: Google, picture: Path) -> None:
        with pytest.raises(Fault) as fault:
            provider.submit(speech(inputs=(Input("reference", picture, "image/png"),)))

        assert fault.value.kind == "invalid"


def test_an_address_that_is_none_refuses_to_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="http"):
        Google(Account(base_url="ftp://example.com"), Spool(tmp_path))


def said(body: dict[str, Any]) -> str:
    return str(body["input"][0]["content"][-1]["text"])


def voice_of(body: dict[str, Any]) -> str:
    config = body["generationConfig"]["speechConfig"]
    return str(config["voice_config"]["prebuilt_voice_config"]["voice_name"])


def camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
