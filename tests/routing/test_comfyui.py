"""What is ComfyUI's own: signed graphs, ids that we choose, a queue, and no authentication."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from PIL import Image
from pydantic import SecretStr

from governance.evidence.keys import SeedSigner
from governance.kernel import ids
from governance.kernel.errors import ConfigurationError
from governance.routing import Fault, Job, Order, graphs
from governance.routing.account import Account
from governance.routing.providers.comfyui import ComfyUI, job_id_of
from governance.simulators.comfyui import SimulatedComfyUI
from tests.house import POLICIES

from .clips import decode

SIGNER = SeedSigner.from_seed(bytes(32))
VIDEO = "wan2.2-ti2v-5b.v1"
LIMIT = 5_000_000


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatedComfyUI]:
    with SimulatedComfyUI() as running:
        yield running


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> graphs.Graphs:
    approval = tmp_path_factory.mktemp("data") / graphs.APPROVAL
    graphs.sign(POLICIES, approval, SIGNER)
    return graphs.Graphs(POLICIES, approval, SIGNER.public)


@pytest.fixture(scope="module")
def provider(server: SimulatedComfyUI, signed: graphs.Graphs) -> ComfyUI:
    return ComfyUI(Account(base_url=server.url), signed, timeout=10)


def order(magic: str = "", **changes: Any) -> Order:
    prompt = f"a fox named Rosa {magic}".strip()
    plain = Order(ids.new_id("gen"), VIDEO, prompt, 1, 128, 64, "video")
    return Order(**(vars(plain) | changes))


class TestAnOrder:
    @pytest.mark.parametrize("prompt", ['a "fox"\n{{7*7}} ${HOME} </script>', "лиса 🦊", "{}"])
    def test_arrives_in_the_graph_with_its_words_as_they_are(
        self, provider: ComfyUI, server: SimulatedComfyUI, tmp_path: Path, prompt: str
    ) -> None:
        wanted = order(prompt=prompt, width=96)

        job, _ = provider.submit(wanted)
        provider.fetch(job, tmp_path / "clip.mp4", LIMIT)

        run = server.state.runs[job.id]
        assert run.graph["5"]["inputs"]["text"] == prompt
        assert run.graph["7"]["inputs"]["length"] == 25
        assert (run.seconds, run.width, run.height) == (1, 96, 64)
        assert decode(tmp_path / "clip.mp4").frames.shape[1:] == (64, 96)

    def test_has_an_id_that_follows_from_its_key(
        self, provider: ComfyUI, server: SimulatedComfyUI
    ) -> None:
        wanted = order()

        job, _ = provider.submit(wanted)

        assert job.id == job_id_of(wanted.key) == str(UUID(job.id))
        assert job_id_of(wanted.key) != job_id_of(order().key)
        assert server.posts(job.id) == 1

    def test_is_answered_with_the_digest_of_the_graph_that_ran(self, provider: ComfyUI) -> None:
        _, raw = provider.submit(order())

        said = json.loads(raw)
        assert said["graph"] == VIDEO
        assert said["sha256"] == next(g for g in graphs.load(POLICIES) if g.name == VIDEO).digest

    def test_for_an_image_ends_in_one(self, provider: ComfyUI, tmp_path: Path) -> None:
        job, _ = provider.submit(
            order(model="flux-schnell.v1", media="image", seconds=0, width=64, height=48)
        )

        provider.fetch(job, tmp_path / "picture", LIMIT)

        with Image.open(tmp_path / "picture") as image:
            assert (image.format, image.size) == ("PNG", (64, 48))

    @pytest.mark.parametrize(
        ("model", "media", "seconds"),
        [(VIDEO, "video", 1), ("flux-schnell.v1", "image", 0)],
    )
    def test_ends_in_a_file_that_does_not_tell_the_prompt(
        self,
        provider: ComfyUI,
        server: SimulatedComfyUI,
        tmp_path: Path,
        model: str,
        media: str,
        seconds: int,
    ) -> None:
        job, _ = provider.submit(order(model=model, media=media, seconds=seconds))

        provider.fetch(job, tmp_path / "media", LIMIT)

        run = server.state.runs[job.id]
        file = {"filename": run.filename, "subfolder": run.subfolder}
        as_it_lies_there = httpx.get(f"{server.url}/view", params=file, trust_env=False).content
        assert b"Rosa" in as_it_lies_there
        assert b"Rosa" not in (tmp_path / "media").read_bytes()
        assert [path.name for path in tmp_path.iterdir()] == ["media"]

    def test_for_a_graph_that_is_not_listed_is_not_placed(
        self, provider: ComfyUI, server: SimulatedComfyUI
    ) -> None:
        wanted = order(model="wan2.2-ti2v-5b.v9")

        with pytest.raises(Fault) as fault:
            provider.submit(wanted)

        assert fault.value.kind == "gone"
        assert server.posts(job_id_of(wanted.key)) == 0

    def test_is_not_placed_while_the_graphs_are_not_signed(
        self, server: SimulatedComfyUI, tmp_path: Path
    ) -> None:
        unsigned = graphs.Graphs(POLICIES, tmp_path / graphs.APPROVAL, SIGNER.public)
        provider = ComfyUI(Account(base_url=server.url), unsigned)
        wanted = order()

        with pytest.raises(Fault, match="governance graphs sign") as fault:
            provider.submit(wanted)

        assert not provider.configured()
        assert fault.value.kind == "invalid"
        assert server.posts(job_id_of(wanted.key)) == 0

    def test_that_the_server_cannot_run_says_so_without_the_prompt(self, provider: ComfyUI) -> None:
        with pytest.raises(Fault) as fault:
            provider.submit(order("[[invalid]]"))

        assert fault.value.kind == "invalid"
        assert "node_errors" in fault.value.raw
        assert "Rosa" not in fault.value.raw


class TestARecovery:
    @pytest.mark.parametrize("delay", [0.0, 60.0])
    @pytest.mark.parametrize("magic", ["", "[[running]]"])
    def test_finds_the_job_in_the_queue_and_in_the_history(
        self, signed: graphs.Graphs, magic: str, delay: float
    ) -> None:
        with SimulatedComfyUI(delay=delay) as server:
            provider = ComfyUI(Account(base_url=server.url), signed)
            wanted = order(magic)
            job, _ = provider.submit(wanted)

            assert provider.recover(wanted.key) == job
            assert provider.recover(order().key) is None

    def test_that_is_not_answered_is_no_proof_that_there_is_nothing(
        self, signed: graphs.Graphs
    ) -> None:
        with SimulatedComfyUI() as closing:
            provider = ComfyUI(Account(base_url=closing.url), signed, timeout=2)

        with pytest.raises(Fault) as fault:
            provider.recover("gen_1")

        assert fault.value.kind == "unavailable"


class TestACancellation:
    @pytest.mark.parametrize(
        ("magic", "stops", "fault"),
        [
            ("", True, "gone"),
            ("[[running]]", True, "internal"),
            ("[[finishes]]", False, None),
        ],
    )
    def test_takes_a_job_out_of_the_queue_or_interrupts_it(
        self, signed: graphs.Graphs, magic: str, stops: bool, fault: str | None
    ) -> None:
        with SimulatedComfyUI(delay=60) as server:
            provider = ComfyUI(Account(base_url=server.url), signed)
            job, _ = provider.submit(order(magic))

            assert provider.cancel(job) is stops
            assert provider.poll(job).fault == fault

    def test_leaves_other_jobs_alone(self, signed: graphs.Graphs) -> None:
        with SimulatedComfyUI(delay=60) as server:
            provider = ComfyUI(Account(base_url=server.url), signed)
            first, _ = provider.submit(order("[[running]]"))
            second, _ = provider.submit(order("[[running]]"))

            provider.cancel(second)

            assert provider.poll(first).state == "running"

    def test_of_what_is_finished_is_false(self, provider: ComfyUI) -> None:
        job, _ = provider.submit(order())

        assert not provider.cancel(job)


class TestAFailure:
    def test_names_the_node_and_not_what_went_into_it(self, provider: ComfyUI) -> None:
        job, _ = provider.submit(order("[[fail]]"))

        status = provider.poll(job)

        assert (status.state, status.fault) == ("failed", "internal")
        assert json.loads(status.raw)["messages"][1] == {
            "event": "execution_error",
            "node_id": "8",
            "node_type": "KSampler",
            "exception_type": "torch.OutOfMemoryError",
        }

    def test_of_a_server_that_has_forgotten_its_jobs_is_told(
        self, provider: ComfyUI, server: SimulatedComfyUI
    ) -> None:
        job, _ = provider.submit(order())
        server.state.runs.clear()

        assert provider.poll(job).fault == "gone"

    def test_is_it_too_when_the_graph_leaves_another_medium(
        self, provider: ComfyUI, tmp_path: Path
    ) -> None:
        job, _ = provider.submit(order())

        with pytest.raises(Fault) as fault:
            provider.fetch(
                Job(job.id, "image", job.provider, job.model), tmp_path / "picture", LIMIT
            )

        assert fault.value.kind == "internal"
        assert list(tmp_path.iterdir()) == []


class TestAProxyBeforeTheServer:
    @pytest.fixture
    def guarded(self) -> Iterator[SimulatedComfyUI]:
        with SimulatedComfyUI(key="key-of-the-proxy") as running:
            yield running

    def test_is_shown_the_key_at_every_call(
        self, guarded: SimulatedComfyUI, signed: graphs.Graphs, tmp_path: Path
    ) -> None:
        account = Account(key=SecretStr(guarded.key), base_url=guarded.url)
        provider = ComfyUI(account, signed)

        job, _ = provider.submit(order())

        assert provider.poll(job).state == "succeeded"
        provider.fetch(job, tmp_path / "clip.mp4", LIMIT)

    def test_that_wants_another_key_is_told_apart(
        self, guarded: SimulatedComfyUI, signed: graphs.Graphs
    ) -> None:
        stranger = ComfyUI(Account(key=SecretStr("very-secret"), base_url=guarded.url), signed)

        with pytest.raises(Fault) as fault:
            stranger.submit(order())

        assert fault.value.kind == "auth"
        status = stranger.poll(Job(job_id_of("gen_1"), "video", "comfyui", VIDEO))
        assert (status.state, status.fault) == ("running", "auth")


class TestTheAddress:
    @pytest.mark.parametrize("url", ["http://8.8.8.8:8188", "https://[2001:4860:4860::8888]"])
    def test_may_not_be_public_without_a_key(self, signed: graphs.Graphs, url: str) -> None:
        with pytest.raises(ConfigurationError, match="private network") as error:
            ComfyUI(Account(base_url=url), signed)

        assert error.value.code == "provider_url_public"

    @pytest.mark.parametrize(
        "url", ["http://10.0.0.7:8188", "http://[fd00::7]:8188", "http://comfyui:8188"]
    )
    def test_may_be_private(self, signed: graphs.Graphs, url: str) -> None:
        assert ComfyUI(Account(base_url=url), signed).configured()

    def test_may_be_public_behind_a_key(self, signed: graphs.Graphs) -> None:
        account = Account(key=SecretStr("key"), base_url="https://8.8.8.8")

        assert ComfyUI(account, signed).configured()

    def test_that_is_none_is_refused(self, signed: graphs.Graphs) -> None:
        with pytest.raises(ConfigurationError, match="http"):
            ComfyUI(Account(base_url="file:///etc"), signed)
