"""The `/v1/videos` adapter against a simulated vendor: the official SDK over real HTTP."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from governance.kernel import ids
from governance.kernel.errors import ConfigurationError
from governance.routing import Fault, Job, Order
from governance.routing.provider import RAW_LIMIT
from governance.routing.providers.openai_videos import OpenAIVideos
from governance.simulators.openai_videos import RETRY_AFTER, SimulatedVendor

from .clips import decode

LIMIT = 5_000_000
SUBJECT = "a fox named Rosa"


@pytest.fixture(scope="module")
def vendor() -> Iterator[SimulatedVendor]:
    with SimulatedVendor() as running:
        yield running


@pytest.fixture(scope="module")
def provider(vendor: SimulatedVendor) -> OpenAIVideos:
    return OpenAIVideos(vendor.url, SecretStr(vendor.key), timeout=10)


def order(magic: str = "", **changes: object) -> Order:
    """An order of its own key, with magic words for the vendor in its prompt."""
    prompt = f"{SUBJECT} {magic}".strip()
    plain = Order(ids.new_id("gen"), "wan", prompt, 1, 832, 480, "video")
    return Order(**(vars(plain) | changes))


def submit(provider: OpenAIVideos, magic: str = "", **changes: object) -> Job:
    return provider.submit(order(magic, **changes))[0]


class TestAnOrderThatGoesWell:
    def test_ends_in_a_clip_that_plays(
        self, provider: OpenAIVideos, vendor: SimulatedVendor, tmp_path: Path
    ) -> None:
        wanted = order()

        job, raw = provider.submit(wanted)
        status = provider.poll(job)
        provider.fetch(job, tmp_path / "clip.mp4", LIMIT)

        assert job == Job(json.loads(raw)["id"], "video", "openai-videos", "wan")
        assert (status.state, status.progress, status.fault) == ("succeeded", 100, None)
        clip = decode(tmp_path / "clip.mp4")
        assert clip.frames.shape[1:] == (480, 832)
        assert clip.video_seconds == pytest.approx(1.0, abs=0.1)
        assert vendor.posts(wanted.key) == 1

    def test_is_running_until_the_vendor_has_finished(self) -> None:
        with SimulatedVendor(delay=60) as slow:
            provider = OpenAIVideos(slow.url, SecretStr(slow.key))
            job = submit(provider)

            status = provider.poll(job)

        assert (status.state, status.fault) == ("running", None)
        assert 0 <= status.progress < 100

    def test_can_be_followed_by_another_process(
        self, provider: OpenAIVideos, vendor: SimulatedVendor
    ) -> None:
        job = submit(provider)

        another = OpenAIVideos(vendor.url, SecretStr(vendor.key))

        assert another.poll(Job(**vars(job))).state == "succeeded"


class TestTheCreation:
    @pytest.mark.parametrize(
        ("magic", "kind"),
        [
            ("[[moderate]]", "refused"),
            ("[[invalid]]", "invalid"),
            ("[[429]]", "throttled"),
            ("[[quota]]", "exhausted"),
            ("[[no-model]]", "gone"),
            ("[[500]]", "ambiguous"),
            ("[[drop]]", "ambiguous"),
            ("[[garbled]]", "ambiguous"),
        ],
    )
    def test_that_fails_is_told_apart_and_posted_once(
        self, provider: OpenAIVideos, vendor: SimulatedVendor, magic: str, kind: str
    ) -> None:
        wanted = order(magic)

        with pytest.raises(Fault) as fault:
            provider.submit(wanted)

        assert fault.value.kind == kind
        assert vendor.posts(wanted.key) == 1

    def test_that_is_not_answered_in_time_is_ambiguous_and_posted_once(
        self, vendor: SimulatedVendor
    ) -> None:
        wanted = order("[[hang]]")
        impatient = OpenAIVideos(vendor.url, SecretStr(vendor.key), timeout=0.5)

        with pytest.raises(Fault) as fault:
            impatient.submit(wanted)

        assert fault.value.kind == "ambiguous"
        assert vendor.posts(wanted.key) == 1

    def test_that_never_reached_the_vendor_spent_nothing(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closing:
            port = closing.getsockname()[1]
        nobody = OpenAIVideos(f"http://127.0.0.1:{port}/v1", SecretStr("key-of-nobody"))

        with pytest.raises(Fault) as fault:
            nobody.submit(order())

        assert fault.value.kind == "unavailable"

    def test_with_a_wrong_key_is_a_fault_that_does_not_repeat_the_key(
        self, vendor: SimulatedVendor
    ) -> None:
        stranger = OpenAIVideos(vendor.url, SecretStr("sk-very-secret"))

        with pytest.raises(Fault) as fault:
            stranger.submit(order())

        assert fault.value.kind == "auth"
        assert "Incorrect API key" in fault.value.raw
        assert "sk-very-secret" not in fault.value.raw + fault.value.message

    def test_that_is_throttled_says_how_long(self, provider: OpenAIVideos) -> None:
        with pytest.raises(Fault) as fault:
            submit(provider, "[[429]]")

        assert fault.value.retry_after == RETRY_AFTER

    def test_is_never_asked_for_other_media(self, provider: OpenAIVideos) -> None:
        with pytest.raises(Fault) as fault:
            submit(provider, media="audio")

        assert fault.value.kind == "invalid"

    def test_is_not_recoverable_and_does_not_pretend_to_be(self, provider: OpenAIVideos) -> None:
        wanted = order()
        provider.submit(wanted)

        assert not provider.recoverable
        assert provider.recover(wanted.key) is None


class TestTheVendorsAnswer:
    def test_is_kept_verbatim_but_for_the_prompt(self) -> None:
        with SimulatedVendor(delay=60) as slow:
            provider = OpenAIVideos(slow.url, SecretStr(slow.key))
            job = submit(provider)

            raw = provider.poll(job).raw
            bearer = {"authorization": f"Bearer {slow.key}"}
            answer = httpx.get(f"{slow.url}/videos/{job.id}", headers=bearer, trust_env=False)

        assert SUBJECT in answer.text
        assert raw == answer.text.replace(SUBJECT, "[withheld]")

    @pytest.mark.parametrize("prompt", [SUBJECT, 'Rosa says "hm"', "Rosa\nand Žofie", "Ro\\sa"])
    @pytest.mark.parametrize("magic", ["", "[[invalid]]"])
    def test_never_repeats_the_prompt(
        self, provider: OpenAIVideos, prompt: str, magic: str
    ) -> None:
        try:
            job, raw = provider.submit(order(prompt=f"{prompt} {magic}"))
            raw += provider.poll(job).raw
        except Fault as fault:
            raw = fault.raw

        assert "[withheld]" in raw
        assert "Ro" not in raw
        assert "ofie" not in raw

    def test_is_cut_at_two_kilobytes(self) -> None:
        assert len(Fault("internal", "", "ž" * 5000).raw.encode()) == RAW_LIMIT


class TestAPoll:
    @pytest.mark.parametrize(
        ("magic", "kind"),
        [
            ("[[late-moderate]]", "refused"),
            ("[[fail]]", "internal"),
            ("[[failed-http]]", "internal"),
            ("[[odd-status]]", "internal"),
        ],
    )
    def test_finds_what_failed_after_submission(
        self, provider: OpenAIVideos, magic: str, kind: str
    ) -> None:
        status = provider.poll(submit(provider, magic))

        assert (status.state, status.fault) == ("failed", kind)
        assert '"id"' in status.raw

    def test_that_is_unreadable_leaves_the_job_running(self, provider: OpenAIVideos) -> None:
        status = provider.poll(submit(provider, "[[garbage]]"))

        assert (status.state, status.fault) == ("running", "internal")

    def test_that_is_not_answered_leaves_the_job_running(self) -> None:
        with SimulatedVendor() as vendor:
            provider = OpenAIVideos(vendor.url, SecretStr(vendor.key), timeout=2)
            job = submit(provider)

        status = provider.poll(job)

        assert (status.state, status.fault) == ("running", "unavailable")

    def test_with_a_key_that_was_withdrawn_leaves_the_job_running(
        self, provider: OpenAIVideos, vendor: SimulatedVendor
    ) -> None:
        job = submit(provider)

        status = OpenAIVideos(vendor.url, SecretStr("withdrawn")).poll(job)

        assert (status.state, status.fault) == ("running", "auth")

    def test_of_a_job_that_the_vendor_lost_is_a_failure(self, provider: OpenAIVideos) -> None:
        status = provider.poll(Job("video_lost", "video", "openai-videos", "wan"))

        assert (status.state, status.fault) == ("failed", "gone")


class TestADownload:
    @pytest.mark.parametrize(
        ("magic", "kind", "words"),
        [
            ("[[wrong-media]]", "internal", "not an mp4"),
            ("[[huge]]", "internal", "larger than"),
            ("[[redirect]]", "internal", "HTTP 302"),
            ("[[expired]]", "gone", "no such"),
            ("[[cut]]", "unavailable", "does not answer"),
        ],
    )
    def test_that_is_not_what_was_ordered_leaves_no_file(
        self, provider: OpenAIVideos, tmp_path: Path, magic: str, kind: str, words: str
    ) -> None:
        job = submit(provider, magic)

        with pytest.raises(Fault, match=words) as fault:
            provider.fetch(job, tmp_path / "clip.mp4", LIMIT)

        assert fault.value.kind == kind
        assert list(tmp_path.iterdir()) == []

    def test_never_follows_a_redirect(
        self, provider: OpenAIVideos, vendor: SimulatedVendor, tmp_path: Path
    ) -> None:
        with pytest.raises(Fault):
            provider.fetch(submit(provider, "[[redirect]]"), tmp_path / "clip.mp4", LIMIT)

        control = httpx.get(vendor.url.replace("/v1", "/_control/posts"), trust_env=False).json()
        assert control["trapped"] == 0

    def test_before_the_vendor_has_finished_leaves_no_file(self, tmp_path: Path) -> None:
        with SimulatedVendor(delay=60) as slow:
            provider = OpenAIVideos(slow.url, SecretStr(slow.key))

            with pytest.raises(Fault):
                provider.fetch(submit(provider), tmp_path / "clip.mp4", LIMIT)

        assert list(tmp_path.iterdir()) == []

    def test_into_a_folder_that_is_missing_is_not_the_vendors_fault(
        self, provider: OpenAIVideos, tmp_path: Path
    ) -> None:
        with pytest.raises(FileNotFoundError):
            provider.fetch(submit(provider), tmp_path / "missing" / "clip.mp4", LIMIT)


class TestACancellation:
    def test_is_true_where_the_vendor_deletes_the_job(self, provider: OpenAIVideos) -> None:
        job = submit(provider)

        assert provider.cancel(job)
        assert provider.poll(job).fault == "gone"

    def test_is_false_where_the_job_goes_on(self, provider: OpenAIVideos) -> None:
        assert not provider.cancel(submit(provider, "[[no-cancel]]"))

    def test_is_false_where_the_vendor_knows_no_such_job(self, provider: OpenAIVideos) -> None:
        assert not provider.cancel(Job("video_lost", "video", "openai-videos", "wan"))


class TestTheConfiguration:
    @pytest.mark.parametrize(("url", "key"), [("", "key"), ("http://127.0.0.1/v1", "")])
    def test_needs_an_address_and_a_key(self, url: str, key: str) -> None:
        assert not OpenAIVideos(url, SecretStr(key)).configured()

    def test_is_complete_with_both(self, provider: OpenAIVideos) -> None:
        assert provider.configured()

    def test_with_an_address_that_is_none_refuses_to_start(self) -> None:
        with pytest.raises(ConfigurationError, match="http"):
            OpenAIVideos("ftp://example.com", SecretStr("key"))
