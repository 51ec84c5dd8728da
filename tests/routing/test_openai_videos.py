"""What is particular to `/v1/videos` servers, beyond the contract of every provider."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from governance.kernel import ids
from governance.kernel.errors import ConfigurationError
from governance.routing import Fault, Job, Order
from governance.routing.account import Account
from governance.routing.provider import RAW_LIMIT, Input
from governance.routing.providers.openai_videos import OpenAIVideos
from governance.simulators.openai_videos import SimulatedVendor

from .clips import decode

LIMIT = 5_000_000
SUBJECT = "a fox named Rosa"
PNG = b"\x89PNG\r\n\x1a\n of a fox"
SGLang = partial(SimulatedVendor, flavour="sglang")
VLLMOmni = partial(SimulatedVendor, flavour="vllm")


def adapter(vendor: SimulatedVendor) -> OpenAIVideos:
    return OpenAIVideos(Account(key=SecretStr(vendor.key), base_url=vendor.url), timeout=10)


@pytest.fixture(scope="module")
def vendor() -> Iterator[SimulatedVendor]:
    with SimulatedVendor() as running:
        yield running


@pytest.fixture(scope="module")
def vllm() -> Iterator[SimulatedVendor]:
    with VLLMOmni() as running:
        yield running


def order(magic: str = "", **changes: object) -> Order:
    """An order of its own key, with magic words for the vendor in its prompt."""
    plain = Order(ids.new_id("gen"), "wan", f"{SUBJECT} {magic}".strip(), 1, 832, 480, "video")
    return Order(**(vars(plain) | changes))


def test_the_clip_has_the_size_and_the_length_that_were_ordered(
    vendor: SimulatedVendor, tmp_path: Path
) -> None:
    provider = adapter(vendor)

    job, raw = provider.submit(order())
    provider.fetch(job, tmp_path / "clip.mp4", LIMIT)

    assert job == Job(json.loads(raw)["id"], "video", "openai-videos", "wan")
    clip = decode(tmp_path / "clip.mp4")
    assert clip.frames.shape[1:] == (480, 832)
    assert clip.video_seconds == pytest.approx(1.0, abs=0.1)


class TestAnOrder:
    @pytest.mark.parametrize("role", ["first_frame", "reference"])
    def test_takes_one_image_along(self, vllm: SimulatedVendor, tmp_path: Path, role: str) -> None:
        (tmp_path / "Rosa in spring.png").write_bytes(PNG)
        given = Input(role, tmp_path / "Rosa in spring.png", "image/png")  # type: ignore[arg-type]

        job, _ = adapter(vllm).submit(order(inputs=(given,)))

        assert vllm.state.videos[job.id].image == PNG

    def test_with_an_image_that_is_missing_is_not_sent(
        self, vllm: SimulatedVendor, tmp_path: Path
    ) -> None:
        wanted = order(inputs=(Input("reference", tmp_path / "missing.png", "image/png"),))

        with pytest.raises(Fault) as fault:
            adapter(vllm).submit(wanted)

        assert fault.value.kind == "unavailable"
        assert vllm.posts(wanted.key) == 0

    @pytest.mark.parametrize(("audio", "asked"), [(True, "true"), (False, None)])
    def test_asks_for_sound_where_there_must_be_some(
        self, vllm: SimulatedVendor, audio: bool, asked: str | None
    ) -> None:
        job, _ = adapter(vllm).submit(order(audio=audio))

        assert vllm.state.videos[job.id].form.get("generate_sound") == asked


class TestTheVendorsAnswer:
    def test_is_kept_verbatim_but_for_the_prompt(self) -> None:
        with SimulatedVendor(delay=60) as slow:
            provider = adapter(slow)
            job, _ = provider.submit(order())

            raw = provider.poll(job).raw
            bearer = {"authorization": f"Bearer {slow.key}"}
            answer = httpx.get(f"{slow.url}/videos/{job.id}", headers=bearer, trust_env=False)

        assert SUBJECT in answer.text
        assert raw == answer.text.replace(SUBJECT, "[withheld]")

    def test_is_cut_at_two_kilobytes(self) -> None:
        assert len(Fault("internal", "", "ž" * 5000).raw.encode()) == RAW_LIMIT

    def test_about_a_wrong_key_is_kept_without_the_key(self, vendor: SimulatedVendor) -> None:
        stranger = OpenAIVideos(Account(key=SecretStr("sk-very-secret"), base_url=vendor.url))

        with pytest.raises(Fault) as fault:
            stranger.submit(order())

        assert "Incorrect API key" in fault.value.raw
        assert "sk-very-secret" not in fault.value.raw

    def test_tells_the_seconds_of_gpu_time_and_no_cost(self, vllm: SimulatedVendor) -> None:
        provider = adapter(vllm)

        status = provider.poll(provider.submit(order())[0])

        assert json.loads(status.raw)["inference_time_s"] == 12.5
        assert status.cost is None


class TestAFailedJob:
    def test_may_be_told_as_an_error_of_the_server(self, vllm: SimulatedVendor) -> None:
        provider = adapter(vllm)

        status = provider.poll(provider.submit(order("[[fail]]"))[0])

        assert (status.state, status.fault) == ("failed", "internal")
        assert '"status":"failed"' in status.raw

    def test_may_come_without_a_code(self) -> None:
        with SGLang() as sglang:
            provider = adapter(sglang)

            status = provider.poll(provider.submit(order("[[fail]]"))[0])

        assert (status.state, status.fault) == ("failed", "internal")

    def test_has_no_content(self, vllm: SimulatedVendor, tmp_path: Path) -> None:
        provider = adapter(vllm)
        job, _ = provider.submit(order("[[fail]]"))

        with pytest.raises(Fault) as fault:
            provider.fetch(job, tmp_path / "clip.mp4", LIMIT)

        assert fault.value.kind == "internal"
        assert list(tmp_path.iterdir()) == []


class TestACancellation:
    def test_aborts_a_job_of_vllm_omni(self) -> None:
        with VLLMOmni(delay=60) as slow:
            provider = adapter(slow)
            job, _ = provider.submit(order())

            assert provider.cancel(job)
            assert provider.poll(job).fault == "gone"

    def test_is_false_where_vllm_omni_refuses_it(self, vllm: SimulatedVendor) -> None:
        provider = adapter(vllm)

        assert not provider.cancel(provider.submit(order("[[no-cancel]]"))[0])

    def test_leaves_a_job_of_sglang_known_because_it_would_go_on_unseen(self) -> None:
        with SGLang(delay=60) as slow:
            provider = adapter(slow)
            job, _ = provider.submit(order())

            assert not provider.cancel(job)
            assert provider.poll(job).state == "running"


@pytest.mark.parametrize(("url", "key"), [("", "key"), ("http://127.0.0.1/v1", "")])
def test_an_account_needs_an_address_and_a_key(url: str, key: str) -> None:
    assert not OpenAIVideos(Account(key=SecretStr(key), base_url=url)).configured()


def test_an_address_that_is_none_refuses_to_start() -> None:
    with pytest.raises(ConfigurationError, match="http"):
        OpenAIVideos(Account(key=SecretStr("key"), base_url="ftp://example.com"))
