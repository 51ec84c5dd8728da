"""What is particular to OpenAI's images and speech, beyond the contract of every provider."""

import json
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from pydantic import SecretStr

from governance.kernel import ids
from governance.routing import Fault, Order
from governance.routing.account import Account
from governance.routing.provider import Input
from governance.routing.providers import openai
from governance.routing.providers.openai import BASE_URL, OpenAI
from governance.routing.spool import Spool
from governance.simulators.openai_media import SimulatedOpenAI

LIMIT = 5_000_000


@pytest.fixture(scope="module")
def vendor() -> Iterator[SimulatedOpenAI]:
    with SimulatedOpenAI() as running:
        yield running


@pytest.fixture
def provider(vendor: SimulatedOpenAI, tmp_path: Path) -> OpenAI:
    account = Account(key=SecretStr(vendor.key), base_url=vendor.url)
    return OpenAI(account, Spool(tmp_path / "spool"), timeout=10)


def image(**changes: object) -> Order:
    plain = Order(ids.new_id("gen"), "gpt-image-2", "a fox named Rosa", 0, 320, 240, "image")
    return Order(**(vars(plain) | changes))


def speech(**changes: object) -> Order:
    words = "Rosa the fox says good evening"
    plain = Order(ids.new_id("gen"), "gpt-4o-mini-tts", words, 2, 0, 0, "audio")
    return Order(**(vars(plain) | changes))


def picture(folder: Path, name: str = "Rosa.png") -> Path:
    Image.new("RGB", (32, 32), "orange").save(folder / name)
    return folder / name


class TestAnImage:
    def test_has_the_size_that_was_ordered(self, provider: OpenAI, tmp_path: Path) -> None:
        job, _ = provider.submit(image())
        provider.fetch(job, tmp_path / "image.png", LIMIT)

        with Image.open(tmp_path / "image.png") as made:
            assert (made.format, made.size) == ("PNG", (320, 240))

    def test_is_ordered_in_one_known_quality(
        self, provider: OpenAI, vendor: SimulatedOpenAI
    ) -> None:
        provider.submit(image())

        asked = vendor.state.orders[-1]
        assert (asked["quality"], asked["n"], asked["output_format"]) == ("medium", 1, "png")

    def test_is_answered_with_what_was_counted_and_without_its_bytes(
        self, provider: OpenAI
    ) -> None:
        job, raw = provider.submit(image())

        told = json.loads(raw)
        assert told["usage"]["output_tokens"] == 1056
        assert "data" not in told
        assert provider.poll(job).cost is None

    @pytest.mark.parametrize("task", ["edit", "generate"])
    def test_is_made_from_a_source_and_references(
        self, provider: OpenAI, vendor: SimulatedOpenAI, tmp_path: Path, task: str
    ) -> None:
        path = picture(tmp_path)
        inputs = (Input("source", path, "image/png"), Input("reference", path, "image/png"))

        job, _ = provider.submit(image(task=task, inputs=inputs))

        assert provider.poll(job).state == "succeeded"
        assert vendor.state.orders[-1]["images"] == (path.read_bytes(),) * 2

    @pytest.mark.parametrize(
        ("role", "media_type", "count"),
        [("first_frame", "image/png", 1), ("source", "video/mp4", 1), ("source", "image/png", 17)],
    )
    def test_is_not_ordered_with_files_that_the_vendor_does_not_take(
        self,
        provider: OpenAI,
        vendor: SimulatedOpenAI,
        tmp_path: Path,
        role: str,
        media_type: str,
        count: int,
    ) -> None:
        given = Input(role, picture(tmp_path), media_type)  # type: ignore[arg-type]
        wanted = image(task="edit", inputs=(given,) * count)

        with pytest.raises(Fault) as fault:
            provider.submit(wanted)

        assert fault.value.kind == "invalid"
        assert vendor.posts(wanted.key) == 0

    def test_is_not_ordered_with_a_file_that_is_too_large(
        self,
        provider: OpenAI,
        vendor: SimulatedOpenAI,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(openai, "MAX_IMAGE_BYTES", 10)
        wanted = image(inputs=(Input("reference", picture(tmp_path), "image/png"),))

        with pytest.raises(Fault) as fault:
            provider.submit(wanted)

        assert fault.value.kind == "invalid"
        assert vendor.posts(wanted.key) == 0

    def test_whose_input_the_vendor_cannot_read_is_invalid(
        self, provider: OpenAI, tmp_path: Path
    ) -> None:
        (tmp_path / "text.png").write_text("Rosa")
        given = Input("source", tmp_path / "text.png", "image/png")

        with pytest.raises(Fault) as fault:
            provider.submit(image(task="edit", inputs=(given,)))

        assert fault.value.kind == "invalid"


class TestSpeech:
    def test_is_a_sound_as_long_as_its_words(self, provider: OpenAI, tmp_path: Path) -> None:
        job, _ = provider.submit(speech())
        provider.fetch(job, tmp_path / "speech.wav", LIMIT)

        with wave.open(str(tmp_path / "speech.wav")) as sound:
            assert sound.getnframes() / sound.getframerate() == pytest.approx(6 / 2.5, abs=0.1)

    @pytest.mark.parametrize(("voice", "asked"), [("", "alloy"), ("cedar", "cedar")])
    def test_has_the_voice_that_was_asked_for(
        self, provider: OpenAI, vendor: SimulatedOpenAI, voice: str, asked: str
    ) -> None:
        provider.submit(speech(voice=voice))

        assert vendor.state.orders[-1]["voice"] == asked

    def test_in_a_voice_that_does_not_exist_is_invalid(self, provider: OpenAI) -> None:
        with pytest.raises(Fault) as fault:
            provider.submit(speech(voice="rosa"))

        assert fault.value.kind == "invalid"


class TestNeverTwice:
    def test_what_lies_here_already_is_not_ordered_again(
        self, provider: OpenAI, vendor: SimulatedOpenAI
    ) -> None:
        wanted = image()
        first, _ = provider.submit(wanted)

        second, _ = provider.submit(wanted)

        assert second == first
        assert vendor.posts(wanted.key) == 1

    def test_what_came_before_a_crash_is_found_by_its_key(
        self, provider: OpenAI, vendor: SimulatedOpenAI, tmp_path: Path
    ) -> None:
        wanted = speech()
        provider.submit(wanted)
        restarted = OpenAI(Account(key=SecretStr(vendor.key)), Spool(tmp_path / "spool"))

        job = restarted.recover(wanted.key)

        assert job is not None
        assert (job.id, job.kind) == (wanted.key, "audio")
        assert restarted.poll(job).state == "succeeded"

    def test_a_key_that_is_no_file_name_is_not_ordered(self, provider: OpenAI) -> None:
        with pytest.raises(ValueError, match="file name"):
            provider.submit(image(key="../gen"))


def test_the_vendors_own_address_is_the_usual_one() -> None:
    assert BASE_URL == "https://api.openai.com/v1"
