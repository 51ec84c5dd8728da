"""Graphs run only as they were signed, and a request changes nothing in them but its own values."""

import copy
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.evidence import envelope
from governance.evidence.keys import SeedSigner
from governance.kernel.errors import ConfigurationError
from governance.routing import Fault, Order, graphs
from tests.house import POLICIES

SIGNER = SeedSigner.from_seed(bytes(32))
STRANGER = SeedSigner.from_seed(bytes(31) + b"\1")
VIDEO = "wan2.2-ti2v-5b.v1"
SHIPPED = {graph.name: graph for graph in graphs.load(POLICIES)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the policies that may be changed."""
    for name in ("graphs", "schemas"):
        shutil.copytree(POLICIES / name, tmp_path / "policies" / name)
    return tmp_path / "policies"


@pytest.fixture
def approval(tmp_path: Path) -> Path:
    return tmp_path / graphs.APPROVAL


@pytest.fixture
def held(folder: Path, approval: Path) -> graphs.Graphs:
    return graphs.Graphs(folder, approval, SIGNER.public)


def order(**changes: Any) -> Order:
    plain = Order("gen_1", VIDEO, "a fox", 5, 1280, 704, "video")
    return Order(**(vars(plain) | changes))


def edit(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text()))


class TestTheSignature:
    def test_makes_the_graphs_usable(
        self, folder: Path, approval: Path, held: graphs.Graphs
    ) -> None:
        graphs.sign(folder, approval, SIGNER)

        assert held.signed()
        graph = held.get(VIDEO)
        assert graph == SHIPPED[VIDEO]
        content = (folder / "graphs" / f"{VIDEO}.json").read_bytes()
        assert SHIPPED[VIDEO].digest == hashlib.sha256(content).hexdigest()

    def test_is_needed(self, held: graphs.Graphs) -> None:
        assert not held.signed()
        with pytest.raises(ConfigurationError, match="governance graphs sign") as error:
            held.get(VIDEO)
        assert error.value.code == "graphs_unsigned"

    def test_by_another_key_does_not_count(
        self, folder: Path, approval: Path, held: graphs.Graphs
    ) -> None:
        graphs.sign(folder, approval, STRANGER)

        assert not held.signed()
        with pytest.raises(ConfigurationError, match="this service's key"):
            held.get(VIDEO)

    def test_of_something_else_does_not_count(
        self, folder: Path, approval: Path, held: graphs.Graphs
    ) -> None:
        digest = hashlib.sha256((folder / graphs.FILE).read_bytes()).hexdigest()
        payload = json.dumps({"sha256": digest}, separators=(",", ":")).encode()
        approval.write_bytes(envelope.seal(payload, "application/vnd.in-toto+json", SIGNER))

        assert not held.signed()

    @pytest.mark.parametrize("content", [b"", b"{}", b"not json", b"\xff"])
    def test_that_is_broken_does_not_count(
        self, approval: Path, held: graphs.Graphs, content: bytes
    ) -> None:
        approval.write_bytes(content)

        assert not held.signed()
        with pytest.raises(ConfigurationError):
            held.get(VIDEO)

    def test_ends_with_any_change_of_the_list(
        self, folder: Path, approval: Path, held: graphs.Graphs
    ) -> None:
        graphs.sign(folder, approval, SIGNER)
        edit(folder / graphs.FILE, lambda text: text + "\n# a comment\n")

        assert not held.signed()
        with pytest.raises(ConfigurationError, match="changed since"):
            held.get(VIDEO)

    def test_does_not_reach_a_graph_that_was_changed(
        self, folder: Path, approval: Path, held: graphs.Graphs
    ) -> None:
        graphs.sign(folder, approval, SIGNER)
        edit(folder / "graphs" / f"{VIDEO}.json", lambda text: text.replace("20", "21", 1))

        with pytest.raises(ConfigurationError, match="a changed graph is a new version") as error:
            held.get(VIDEO)
        assert error.value.code == "graphs_invalid"

    def test_cannot_be_given_to_what_contradicts_itself(self, folder: Path, approval: Path) -> None:
        edit(folder / "graphs" / f"{VIDEO}.json", lambda text: text + " ")

        with pytest.raises(ConfigurationError):
            graphs.sign(folder, approval, SIGNER)
        assert not approval.exists()

    def test_covers_no_graph_that_is_not_listed(
        self, folder: Path, approval: Path, held: graphs.Graphs
    ) -> None:
        graphs.sign(folder, approval, SIGNER)

        assert held.get("wan2.2-ti2v-5b.v2") is None
        assert held.get("../../secret.v1") is None


class TestTheList:
    def test_that_ships_is_in_order(self) -> None:
        assert graphs.check(POLICIES) == []
        assert set(SHIPPED) == {VIDEO, "flux-schnell.v1"}

    def test_may_be_missing_altogether(self, tmp_path: Path) -> None:
        assert graphs.check(tmp_path) == []

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("/5/inputs/text", "/5/inputs/seed", "no str at /5/inputs/seed"),
            ("/8/inputs/seed", "/8/inputs/cfg", "no int at /8/inputs/cfg"),
            ("/7/inputs/width", "/99/inputs/width", "no int at /99/inputs/width"),
            ("name: flux-schnell", "name: wan2.2-ti2v-5b", "is there twice"),
            ("version: 1", "version: 2", "cannot be read"),
            ("frames: {", "colour: {", "colour"),
            ("media: video", "media: image", "frames"),
            ("multiple_of: 32", "multiple_of: 0", "0 is less than"),
        ],
    )
    def test_is_told_what_is_wrong_and_where(
        self, folder: Path, old: str, new: str, said: str
    ) -> None:
        edit(folder / graphs.FILE, lambda text: text.replace(old, new, 1))

        faults = graphs.check(folder)

        assert any(said in fault.message for fault in faults), faults
        assert all(fault.file == graphs.FILE and fault.line > 1 for fault in faults)


class TestAFilledGraph:
    @given(
        prompt=st.text(max_size=200),
        key=st.text("abcdef0123456789", min_size=1, max_size=32),
        seconds=st.integers(1, 60),
        width=st.integers(1, 120),
        height=st.integers(1, 120),
    )
    def test_differs_from_its_template_in_the_orders_values_alone(
        self, prompt: str, key: str, seconds: int, width: int, height: int
    ) -> None:
        graph = SHIPPED[VIDEO]
        wanted = order(
            key=key, prompt=prompt, seconds=seconds, width=width * 32, height=height * 32
        )

        filled = graphs.fill(graph, wanted)

        expected: Any = copy.deepcopy(graph.template)
        expected["5"]["inputs"]["text"] = prompt
        expected["8"]["inputs"]["seed"] = graphs.seed(key)
        expected["7"]["inputs"] |= {"width": width * 32, "height": height * 32}
        expected["7"]["inputs"]["length"] = seconds * 24 + 1
        assert filled == expected
        assert json.loads(json.dumps(filled)) == filled
        assert 0 <= graphs.seed(key) < 2**53

    def test_leaves_its_template_as_it_was(self) -> None:
        before = json.dumps(SHIPPED[VIDEO].template)

        graphs.fill(SHIPPED[VIDEO], order(prompt="another"))

        assert json.dumps(SHIPPED[VIDEO].template) == before

    def test_of_the_same_order_is_the_same(self) -> None:
        first, second = (graphs.fill(SHIPPED[VIDEO], order()) for _ in range(2))

        assert first == second
        assert graphs.seed("gen_1") != graphs.seed("gen_2")

    @pytest.mark.parametrize(
        "changes",
        [{"width": 1270}, {"height": 0}, {"width": -32}, {"media": "image"}, {"task": "edit"}],
    )
    def test_is_not_made_for_what_the_graph_cannot(self, changes: dict[str, Any]) -> None:
        with pytest.raises(Fault) as fault:
            graphs.fill(SHIPPED[VIDEO], order(**changes))

        assert fault.value.kind == "invalid"
