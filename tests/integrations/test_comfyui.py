"""The ComfyUI node, loaded as ComfyUI loads it, against the real service."""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import governance.integrations.comfyui as packaged
from tests.api.site import CANARY, Site, open_site

INPUTS: dict[str, Any] = {
    "prompt": f"a calm sea at dusk, {CANARY}",
    "width": 128,
    "height": 72,
    "seconds": 1,
    "project": "launch",
    "territories": "EU, CH",
    "audience": "internal",
    "deep_fake": "no",
    "real_person": "no",
    "model": "local/procedural-video",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("site")) as opened:
        scopes = ["generation:create", "generation:read", "generation:download"]
        opened.employ("studio", scopes, "producer")
        yield opened


@pytest.fixture
def node(tmp_path: Path) -> ModuleType:
    """A copy in a folder of custom nodes, loaded from its path."""
    source = Path(packaged.__file__).parent
    folder = tmp_path / "custom_nodes" / "governance-nodes"
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))
    spec = importlib.util.spec_from_file_location(str(folder), folder / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def configured(
    site: Site, node: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ModuleType:
    key = tmp_path / "key"
    key.write_text(site.keys["studio"] + "\n")
    monkeypatch.setenv("GOVERNANCE_URL", site.url)
    monkeypatch.setenv("GOVERNANCE_API_KEY_FILE", str(key))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(node, "SHORTEST", 0.05)
    monkeypatch.setattr(node, "LONGEST", 0.5)
    return node


def generate(module: ModuleType, **changes: Any) -> tuple[Any, str, str]:
    """Run the node as ComfyUI does: by its declared function, with its declared inputs."""
    made = module.NODE_CLASS_MAPPINGS["GovernedVideo"]
    declared = made.INPUT_TYPES()
    given = {**INPUTS, **changes}
    assert set(declared["required"]) <= set(given)
    assert set(given) <= {*declared["required"], *declared["optional"]}
    result: tuple[Any, str, str] = getattr(made(), made.FUNCTION)(**given)
    assert len(result) == len(made.RETURN_TYPES) == len(made.RETURN_NAMES)
    return result


def test_it_is_a_node_that_comfyui_lists(node: ModuleType) -> None:
    assert node.NODE_CLASS_MAPPINGS.keys() == node.NODE_DISPLAY_NAME_MAPPINGS.keys()
    made = node.NODE_CLASS_MAPPINGS["GovernedVideo"]
    for kind, options in made.INPUT_TYPES()["required"].values():
        assert isinstance(options, dict)
        assert kind in ("STRING", "INT") or options.get("default", kind[0]) in kind


def test_it_needs_nothing_but_the_standard_library() -> None:
    source = Path(packaged.__file__).parent / "__init__.py"
    code = (
        "import runpy, sys; runpy.run_path(sys.argv[1]);"
        "foreign = {m.split('.')[0] for m in sys.modules} - set(sys.stdlib_module_names);"
        "sys.exit(str(foreign - {'__main__', 'sitecustomize'}) if foreign - "
        "{'__main__', 'sitecustomize'} else 0)"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", code, str(source)], check=True)


def test_a_video_is_ordered_awaited_and_brought(site: Site, configured: ModuleType) -> None:
    frames, path, generation = generate(configured)
    story = site.service.story(generation)
    assert story.state == "released"
    assert (story.request["project"], story.request["territories"]) == ("launch", ["CH", "EU"])
    digest = (story.delivered_file or {})["digest"]
    assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == digest
    assert frames.shape[1:] == (72, 128, 3)
    assert 0.0 <= frames.min() <= frames.max() <= 1.0
    assert "asset.delivered" in site.service.events(generation)


def test_the_same_inputs_are_never_paid_twice_and_another_take_is_another_order(
    configured: ModuleType,
) -> None:
    first = generate(configured, max_frames=1)[2]
    assert generate(configured, max_frames=2)[2] == first
    assert generate(configured, take=2)[2] != first


def test_it_waits_through_a_review_and_goes_on_waiting(site: Site, configured: ModuleType) -> None:
    changes = {"audience": "public", "deep_fake": "unknown", "prompt": "a quiet harbour"}
    results: list[tuple[Any, str, str]] = []
    thread = threading.Thread(target=lambda: results.append(generate(configured, **changes)))
    thread.start()
    generation = in_review(site)
    approve(site, generation)
    thread.join(60)
    assert results[0][2] == generation


def test_a_refusal_is_told_in_the_services_own_words(configured: ModuleType) -> None:
    with pytest.raises(configured.GovernanceError, match="territory_missing: Say where"):
        generate(configured, territories="")


def test_what_fails_says_why_and_how_to_order_again(site: Site, configured: ModuleType) -> None:
    changes = {"audience": "public", "deep_fake": "unknown", "prompt": "a busy street"}
    errors: list[BaseException] = []

    def run() -> None:
        try:
            generate(configured, **changes)
        except configured.GovernanceError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    generation = in_review(site)
    site["producer"].delete(f"/v1/videos/{generation}")
    thread.join(60)
    assert "cancelled" in str(errors[0])
    assert "take" in str(errors[0])


@pytest.mark.parametrize("url", ["", "http://governance.example", "ftp://127.0.0.1", "file:///etc"])
def test_it_asks_no_service_without_tls(
    configured: ModuleType, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("GOVERNANCE_URL", url)
    with pytest.raises(configured.GovernanceError, match="GOVERNANCE_URL"):
        generate(configured)


def test_the_key_follows_no_redirect(
    configured: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(302)
            self.send_header("Location", "/stolen")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            asked.append(self.path)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("GOVERNANCE_URL", f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(configured.GovernanceError, match="302"):
            generate(configured)
        server.shutdown()
        thread.join()
    assert asked == ["/v1/videos"]


def in_review(site: Site) -> str:
    """The one generation that waits for a reviewer."""
    found: list[dict[str, Any]] = []
    for _ in range(600):
        found = site["reviewer"].get("/v1/governance/reviews").json()["data"]
        if found:
            break
        threading.Event().wait(0.05)
    (review,) = found
    return str(review["generation"])


def approve(site: Site, generation: str) -> None:
    reviewer = site.principals["reviewer"]
    site.service.approve(generation, reviewer)
