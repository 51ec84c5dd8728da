"""The simulated images and speech behave towards the official client as the real ones do."""

import base64
import wave
from collections.abc import Iterator
from io import BytesIO

import openai
import pytest
from PIL import Image

from governance.simulators.openai_media import SimulatedOpenAI


@pytest.fixture(scope="module")
def vendor() -> Iterator[SimulatedOpenAI]:
    with SimulatedOpenAI() as running:
        yield running


@pytest.fixture(scope="module")
def client(vendor: SimulatedOpenAI) -> openai.OpenAI:
    return openai.OpenAI(base_url=vendor.url, api_key=vendor.key, max_retries=0)


def decoded(answer: openai.types.ImagesResponse) -> Image.Image:
    assert answer.data
    return Image.open(BytesIO(base64.b64decode(answer.data[0].b64_json or "")))


def test_an_image_is_a_png_of_the_size_that_was_asked_for(client: openai.OpenAI) -> None:
    answer = client.images.generate(prompt="a fox", model="gpt-image-2", size="1024x1024")

    assert decoded(answer).size == (1024, 1024)
    assert (answer.output_format, answer.size) == ("png", "1024x1024")
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens


def test_an_edit_takes_images_and_nothing_else(client: openai.OpenAI) -> None:
    memory = BytesIO()
    Image.new("RGB", (32, 32)).save(memory, "PNG")
    image = ("fox.png", memory.getvalue(), "image/png")

    answer = client.images.edit(image=image, prompt="red", model="gpt-image-2", size="64x64")

    assert decoded(answer).size == (64, 64)
    with pytest.raises(openai.BadRequestError):
        client.images.edit(image=("fox.png", b"text"), prompt="red", model="gpt-image-2")


def test_speech_is_a_wav_that_differs_by_voice(client: openai.OpenAI) -> None:
    def said(voice: str) -> bytes:
        return client.audio.speech.create(
            input="good evening", model="gpt-4o-mini-tts", voice=voice, response_format="wav"
        ).read()

    with wave.open(BytesIO(said("alloy"))) as sound:
        assert sound.getnframes() == 2 * int(sound.getframerate() / 2.5)
    assert said("alloy") != said("cedar")
    assert said("alloy") == said("alloy")


@pytest.mark.parametrize("size", ["large", "250x250", "4096x4096", "1600x160"])
def test_a_size_that_cannot_be_made_is_refused(client: openai.OpenAI, size: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.generate(prompt="a fox", model="gpt-image-2", size=size)

    assert refused.value.code == "invalid_value"


def test_nothing_is_made_without_the_key(vendor: SimulatedOpenAI) -> None:
    stranger = openai.OpenAI(base_url=vendor.url, api_key="wrong", max_retries=0)

    with pytest.raises(openai.AuthenticationError):
        stranger.images.generate(prompt="a fox", model="gpt-image-2")
