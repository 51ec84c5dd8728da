"""Pictures and speech whose answer is the file: released first, or a conflict that says why not."""

import base64
import hashlib
import wave
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from governance.simulators.openai_media import SimulatedOpenAI
from tests.api.site import CANARY, Site, refusal

GENERATE, EDIT, SPEAK = "/v1/images/generations", "/v1/images/edits", "/v1/audio/speech"
TOLD = {
    "project": "launch",
    "territories": "EU",
    "audience": "internal",
    "deep_fake": "no",
    "real_person": "no",
}
PICTURE: dict[str, Any] = {
    "model": "local/procedural-image",
    "prompt": f"a calm sea at dusk, {CANARY}",
    "size": "128x128",
    "metadata": TOLD,
}
SPEECH: dict[str, Any] = {
    "model": "local/procedural-audio",
    "input": f"The lighthouse is open from nine in the morning until five, says {CANARY}.",
    "metadata": TOLD,
}
ROAD = [
    "generation.requested",
    "policy.decided",
    "policy.decided",
    "route.chosen",
    "provider.intended",
    "provider.submitted",
    "asset.fetched",
    "asset.screened",
    "asset.marked",
    "marks.verified",
    "asset.released",
    "asset.delivered",
]


def public(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "metadata": {**TOLD, "audience": "public", "deep_fake": "unknown"}}


def decoded(answer: httpx.Response) -> bytes:
    assert answer.status_code == 200, answer.text
    return base64.b64decode(answer.json()["data"][0]["b64_json"])


@pytest.fixture(scope="module")
def vendor(site: Site) -> Iterator[SimulatedOpenAI]:
    """The organisation's own account with the vendor of pictures and speech."""
    account = "/v1/governance/accounts/openai"
    with SimulatedOpenAI() as vendor:
        told = {"key": vendor.key, "base_url": vendor.url}
        assert site["admin"].put(account, json=told).status_code == 200
        yield vendor
        site["admin"].delete(account)


class TestAPicture:
    def test_is_the_released_file_and_its_delivery_is_on_record(self, site: Site) -> None:
        with site.recorded(*ROAD):
            answer = site["agent"].post(GENERATE, json=PICTURE)
        content, body = decoded(answer), answer.json()
        with Image.open(BytesIO(content)) as image:
            assert (image.format, image.size) == ("PNG", (128, 128))
        assert (body["output_format"], body["size"]) == ("png", "128x128")
        assert body["governance"]["state"] == "released"
        assert body["governance"]["marks"]["c2pa"] == "present"
        digest = hashlib.sha256(content).hexdigest()
        assert body["governance"]["digest"] == answer.headers["x-content-sha256"] == digest
        assert answer.headers["x-governance-generation"] == body["governance"]["generation"]
        assert CANARY not in answer.text

    def test_that_a_person_must_see_first_is_a_conflict_that_names_it(self, site: Site) -> None:
        answer = site["agent"].post(GENERATE, json=public(PICTURE))
        error = refusal(answer, 409, "generation_pending")
        assert error["details"]["state"] == "in_review"
        waiting = site["agent"].get(f"/v1/videos/{error['details']['generation']}").json()
        assert waiting["status"] == "queued"

    def test_that_takes_too_long_goes_on_and_is_found_with_the_same_key(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key = {"Idempotency-Key": "patience-1"}
        with monkeypatch.context() as patch:
            patch.setitem(site.service.context.settings.__dict__, "media_wait", 0.0)
            error = refusal(
                site["agent"].post(GENERATE, json=PICTURE, headers=key), 409, "generation_pending"
            )
        answer = site["agent"].post(GENERATE, json=PICTURE, headers=key)
        assert answer.headers["x-governance-generation"] == error["details"]["generation"]
        assert decoded(answer)

    def test_that_policy_denies_is_refused_with_its_rules(self, site: Site) -> None:
        body = {**PICTURE, "metadata": {**TOLD, "real_person": "yes", "deep_fake": "yes"}}
        error = refusal(site["agent"].post(GENERATE, json=body), 400, "policy_denied")
        assert error["details"]["rules"] == ["house-consent-missing"]

    def test_is_not_paid_for_by_somebody_who_may_not_download_it(self, site: Site) -> None:
        site.employ("blind", ["generation:create", "generation:read"], "producer")
        with site.recorded("access.denied"):
            refusal(site["blind"].post(GENERATE, json=PICTURE), 403, "access_denied")

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("n", 2),
            ("stream", True),
            ("response_format", "url"),
            ("output_format", "webp"),
            ("quality", "high"),
            ("background", "transparent"),
        ],
    )
    def test_with_a_parameter_that_would_have_no_effect_is_refused(
        self, site: Site, name: str, value: Any
    ) -> None:
        answer = site["agent"].post(GENERATE, json={**PICTURE, name: value})
        assert refusal(answer, 400, "parameter_unsupported")["param"] == name


class TestAnEdit:
    def test_sends_the_picture_along_and_is_one_paid_order(
        self, site: Site, vendor: SimulatedOpenAI
    ) -> None:
        answer = self.edit(site, "The same at dawn", [sample("red"), sample("blue")])
        with Image.open(BytesIO(decoded(answer))) as image:
            assert image.size == (1024, 1024)
        generation = answer.headers["x-governance-generation"]
        assert vendor.posts(generation) == 1
        sent = [Image.open(BytesIO(data)).getpixel((0, 0)) for data in self.sent(vendor)]
        assert sent == [(255, 0, 0), (0, 0, 255)]
        story = site["officer"].get(f"/v1/governance/generations/{generation}").json()["story"]
        assert story["request"]["task"] == "edit"
        assert [file["role"] for file in story["request"]["inputs"]] == ["source", "reference"]

    def test_that_the_vendor_refuses_is_refused_as_the_vendor_would(
        self, site: Site, vendor: SimulatedOpenAI
    ) -> None:
        answer = self.edit(site, "[[moderate]]", [sample("red")])
        refusal(answer, 400, "moderation_blocked")

    def test_that_the_vendor_fails_is_not_to_be_repeated(
        self, site: Site, vendor: SimulatedOpenAI
    ) -> None:
        answer = self.edit(site, "[[wrong-media]]", [sample("red")])
        refusal(answer, 409, "provider_error")

    def test_without_a_picture_is_refused(self, site: Site) -> None:
        form = {"prompt": (None, b"The same")}  # multipart without a file
        answer = site["producer"].post(EDIT, files=form)
        refusal(answer, 400, "image_missing")

    def edit(self, site: Site, prompt: str, pictures: list[bytes]) -> httpx.Response:
        fields = {f"metadata[{name}]": value for name, value in TOLD.items()}
        fields |= {"model": "openai/gpt-image-2", "prompt": prompt, "size": "1024x1024"}
        files = [("image[]", (f"{n}.png", data)) for n, data in enumerate(pictures)]
        return site["producer"].post(EDIT, data=fields, files=files)

    def sent(self, vendor: SimulatedOpenAI) -> tuple[bytes, ...]:
        images: tuple[bytes, ...] = vendor.state.orders[-1]["images"]
        return images


class TestSpeech:
    def test_is_the_released_file_and_its_delivery_is_on_record(self, site: Site) -> None:
        with site.recorded(*ROAD):
            answer = site["agent"].post(SPEAK, json=SPEECH)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "audio/wav"
        with wave.open(BytesIO(answer.content)) as sound:
            assert sound.getnframes() >= sound.getframerate()
        digest = hashlib.sha256(answer.content).hexdigest()
        assert answer.headers["x-content-sha256"] == digest

    @pytest.mark.parametrize("voice", ["cedar", {"id": "cedar"}])
    def test_has_the_voice_and_is_quoted_for_about_as_long_as_its_words_take(
        self, site: Site, vendor: SimulatedOpenAI, voice: Any
    ) -> None:
        body = {"model": "openai/gpt-4o-mini-tts", "input": f"{CANARY} " * 12, "voice": voice}
        made = site["producer"].post(SPEAK, json={**SPEECH, **body})
        assert made.status_code == 200, made.text
        assert vendor.state.orders[-1]["voice"] == "cedar"
        generation = made.headers["x-governance-generation"]
        story = site["officer"].get(f"/v1/governance/generations/{generation}").json()["story"]
        assert story["request"]["seconds"] == 7

    def test_is_not_sold_for_fewer_seconds_than_its_words_take(
        self, site: Site, vendor: SimulatedOpenAI
    ) -> None:
        body = {"model": "openai/gpt-4o-mini-tts", "input": f"{CANARY} " * 12, "seconds": 1}
        answer = site["producer"].post(SPEAK, json={**SPEECH, **body})
        assert "at least 7" in refusal(answer, 400, "no_route")["message"]

    def test_is_quoted_for_its_words_also_where_any_medium_is_asked_for(
        self, site: Site, vendor: SimulatedOpenAI
    ) -> None:
        body = {"media": "audio", "model": "openai/gpt-4o-mini-tts", "metadata": TOLD}
        quotes = [
            site["producer"].post(
                "/v1/governance/preflight", json={**body, "prompt": "a" * 150, **more}
            )
            for more in ({}, {"seconds": 10})
        ]
        assert quotes[0].json()["quote"] == quotes[1].json()["quote"] is not None

    def test_that_is_too_short_for_its_marks_is_withheld(self, site: Site) -> None:
        answer = site["agent"].post(SPEAK, json={**SPEECH, "input": "Open."})
        refusal(answer, 409, "withheld")

    def test_without_words_is_refused(self, site: Site) -> None:
        body = {name: value for name, value in SPEECH.items() if name != "input"}
        assert refusal(site["agent"].post(SPEAK, json=body), 400, "input_missing")

    @pytest.mark.parametrize(
        ("name", "value"), [("response_format", "mp3"), ("speed", 2), ("instructions", "Whisper.")]
    )
    def test_with_a_parameter_that_would_have_no_effect_is_refused(
        self, site: Site, name: str, value: Any
    ) -> None:
        answer = site["agent"].post(SPEAK, json={**SPEECH, name: value})
        assert refusal(answer, 400, "parameter_unsupported")["param"] == name


def sample(colour: str) -> bytes:
    memory = BytesIO()
    Image.new("RGB", (64, 64), colour).save(memory, "PNG")
    return memory.getvalue()
