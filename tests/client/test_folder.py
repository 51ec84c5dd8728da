"""A watched folder against the real service: each finished file enters once, whatever happens."""

import json
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from governance.cli import main
from governance.client.client import ApiKey, GovernanceApiError, GovernanceClient
from governance.client.folder import WatchedFolder, Words
from governance.client.places import Folder, PlaceUnavailable
from tests.api.site import Site

SAID = {
    "project": "launch",
    "territories": "EU",
    "audience": "internal",
    "deep_fake": "no",
    "real_person": "no",
}
IMPORTED = "asset.imported"


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def picture(path: Path, colour: str = "navy") -> Path:
    Image.new("RGB", (96, 64), colour).save(path, "PNG")
    return path


def watch(client: GovernanceClient, inbox: Path) -> WatchedFolder:
    return WatchedFolder(client, Folder(inbox), Words(governance=SAID), settle=0.0)


def send(client: GovernanceClient, inbox: Path) -> list[dict[str, Any]]:
    """Two looks: one sees the files, one finds them unchanged."""
    watched = watch(client, inbox)
    results = [*watched.look(), *watched.look()]
    return [json.loads((inbox / result).read_text()) for result in results]


def imports(site: Site) -> int:
    return sum(event == IMPORTED for event in site._log().values())


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_finished_file_enters_and_its_result_lies_beside_it(
    site: Site, client: GovernanceClient, inbox: Path
) -> None:
    picture(inbox / "one.png")
    (result,) = send(client, inbox)
    assert names(inbox) == {"done"}
    assert names(inbox / "done") == {"one.png", "one.png.governance.json"}
    assert result["file"] == "one.png"
    site.wait(result["id"], "in_review")
    watched, kept = watch(client, inbox), inbox / "done" / "one.png.governance.json"
    assert watched.refresh() == 1
    assert json.loads(kept.read_text())["governance"]["state"] == "in_review"
    site["producer"].delete(f"/v1/videos/{result['id']}")
    assert watched.refresh() == 0
    assert json.loads(kept.read_text())["error"]["code"] == "cancelled"


def test_the_same_file_is_imported_once(site: Site, client: GovernanceClient, inbox: Path) -> None:
    picture(inbox / "twice.png", "teal")
    before = imports(site)
    (first,) = send(client, inbox)
    picture(inbox / "twice.png", "teal")
    (second,) = send(client, inbox)
    assert second["id"] == first["id"]
    assert imports(site) == before + 1
    assert names(inbox / "done") == {"twice.png", "twice.png.governance.json"}


def test_another_file_of_the_same_name_keeps_the_first(
    client: GovernanceClient, inbox: Path
) -> None:
    picture(inbox / "name.png", "red")
    (first,) = send(client, inbox)
    picture(inbox / "name.png", "green")
    (second,) = send(client, inbox)
    assert second["id"] != first["id"]
    assert second["file"] == f"name.{second['sha256'][:12]}.png"
    assert {"name.png", second["file"]} <= names(inbox / "done")


def test_a_crash_after_the_answer_imports_nothing_twice(
    site: Site, client: GovernanceClient, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(inbox / "crash.png", "olive")
    before = imports(site)

    def crash(*_: Any) -> None:
        raise OSError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(Folder, "write", crash)
        with pytest.raises(OSError, match="killed"):
            send(client, inbox)
    assert "crash.png" in names(inbox)
    (result,) = send(client, inbox)
    assert imports(site) == before + 1
    assert result["file"] == "crash.png"


def test_a_sidecar_speaks_for_its_file(site: Site, client: GovernanceClient, inbox: Path) -> None:
    ingredient = site.released()["id"]
    picture(inbox / "said.png", "gold")
    said = {
        "source_type": "trainedAlgorithmicMedia",
        "ingredients": [ingredient],
        "description": "the second cut",
        "governance": {"project": "other", "territories": ["DE", "FR"]},
    }
    (inbox / "said.png.json").write_text(json.dumps(said))
    (result,) = send(client, inbox)
    request = site.service.story(result["id"]).request
    assert (request["project"], request["territories"]) == ("other", ["DE", "FR"])
    assert request["audience"] == "internal"
    assert request["source_type"] == "trainedAlgorithmicMedia"
    assert [one["generation"] for one in request["ingredients"]] == [ingredient]
    assert "said.png.json" in names(inbox / "done")


@pytest.mark.parametrize(
    "sidecar",
    ["{", "[]", '{"territories": "EU"}', '{"governance": []}', '{"governance": {"project": 7}}'],
)
def test_a_sidecar_that_says_nothing_clear_fails_its_file(
    site: Site, client: GovernanceClient, inbox: Path, sidecar: str
) -> None:
    before = imports(site)
    picture(inbox / "unclear.png")
    (inbox / "unclear.png.json").write_text(sidecar)
    (result,) = send(client, inbox)
    assert result["error"]["code"] == "sidecar_invalid"
    assert "unclear.png" in names(inbox / "failed")
    assert imports(site) == before


def test_what_the_service_refuses_is_set_aside_with_the_reason(
    client: GovernanceClient, inbox: Path
) -> None:
    (inbox / "notes.txt").write_text("no media")
    (inbox / "far.png.json").write_text('{"governance": {"territories": "ATLANTIS"}}')
    picture(inbox / "far.png")
    codes = {result["file"]: result["error"]["code"] for result in send(client, inbox)}
    assert codes == {"notes.txt": "media_unsupported", "far.png": "territory_invalid"}
    assert {"notes.txt", "far.png", "far.png.json"} <= names(inbox / "failed")


def test_what_is_unfinished_hidden_or_not_a_file_stays(
    client: GovernanceClient, inbox: Path, tmp_path: Path
) -> None:
    for name in (".hidden.png", "a.png.part", "b.tmp", "c.crdownload", "d.png~"):
        picture(inbox / name)
    (inbox / "folder.png").mkdir()
    (inbox / "link.png").symlink_to(picture(tmp_path / "target.png"))
    assert send(client, inbox) == []


def test_a_file_that_grows_waits_until_it_is_complete(
    client: GovernanceClient, inbox: Path
) -> None:
    whole = picture(inbox / ".whole.png", "maroon").read_bytes()
    growing = inbox / "growing.png"
    watched = watch(client, inbox)
    for end in range(100, 150, 10):
        growing.write_bytes(whole[:end])
        assert list(watched.look()) == []
        assert watched.waiting == 1
    growing.write_bytes(whole)
    (result,) = [*watched.look(), *watched.look()]
    assert result == "done/growing.png.governance.json"


def test_where_the_service_has_no_answer_the_file_stays(inbox: Path) -> None:
    picture(inbox / "waits.png")
    with GovernanceClient("http://127.0.0.1:9", auth=ApiKey("gk_none")) as nobody:
        watched = watch(nobody, inbox)
        with pytest.raises(httpx.HTTPError):
            _ = [*watched.look(), *watched.look()]
    assert "waits.png" in names(inbox)


def test_a_credential_that_is_refused_sets_nothing_aside(site: Site, inbox: Path) -> None:
    picture(inbox / "waits.png")
    nobody = GovernanceClient(site.url, auth=ApiKey("gk_none"))
    with nobody, pytest.raises(GovernanceApiError):
        send(nobody, inbox)
    assert "waits.png" in names(inbox)


def test_the_command_sends_what_is_there_and_keeps_others_out(
    site: Site, inbox: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "key"
    key.write_text(site.keys["desk"])
    picture(inbox / "command.png", "pink")
    given = [
        "watch", str(inbox), "--service", site.url, "--api-key", str(key), "--project", "launch",
        "--territories", "EU", "--audience", "internal", "--settle", "0.05", "--once",
    ]  # fmt: skip
    assert main(given) == 0
    assert "command.png.governance.json" in capsys.readouterr().out
    watching, leaving = threading.Event(), threading.Event()

    def hold() -> None:
        from governance.cli.watch import _alone

        with _alone(inbox):
            watching.set()
            leaving.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    watching.wait(10)
    assert main(given) == 1
    leaving.set()
    thread.join()
    assert "another process" in capsys.readouterr().err


def test_a_file_whose_sidecar_went_ahead_is_not_sent_without_it(
    site: Site, client: GovernanceClient, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(inbox / "half.png", "peru")
    (inbox / "half.png.json").write_text('{"governance": {"project": "secret"}}')
    before, move = imports(site), Folder.move

    def crash(self: Folder, name: str, to: str) -> None:
        if name == "half.png":
            raise OSError("killed")
        move(self, name, to)

    with monkeypatch.context() as patched:
        patched.setattr(Folder, "move", crash)
        with pytest.raises(OSError, match="killed"):
            send(client, inbox)
    assert "half.png.json" in names(inbox / "done")
    (result,) = send(client, inbox)
    assert imports(site) == before + 1
    assert site.service.story(result["id"]).request["project"] == "secret"
    assert {"half.png", "half.png.json"} <= names(inbox / "done")


def test_a_file_that_is_taken_away_meanwhile_stops_nothing(
    client: GovernanceClient, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(inbox / "first.png", "linen")
    picture(inbox / "second.png", "azure")
    watched = watch(client, inbox)
    assert list(watched.look()) == []
    looking = watched.look()
    assert next(looking) == "done/first.png.governance.json"
    (inbox / "second.png").unlink()
    assert list(looking) == []


def test_a_file_that_must_not_be_read_is_told_after_the_others(
    client: GovernanceClient, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(inbox / "closed.png", "ivory")
    picture(inbox / "open.png", "snow")
    opening = Path.open

    def refuse(path: Path, *args: Any, **options: Any) -> Any:  # whoever is root may read all
        if path.name == "closed.png":
            raise PermissionError
        return opening(path, *args, **options)

    watched = watch(client, inbox)
    assert list(watched.look()) == []
    looking = watched.look()
    monkeypatch.setattr(Path, "open", refuse)
    assert next(looking) == "done/open.png.governance.json"
    with pytest.raises(PlaceUnavailable, match=r"closed\.png"):
        next(looking)


def test_who_may_only_import_keeps_the_results_as_they_are(site: Site, inbox: Path) -> None:
    site.employ("loader", ["asset:import"], "producer")
    picture(inbox / "blind.png", "tan")
    with GovernanceClient(site.url, auth=ApiKey(site.keys["loader"])) as client:
        (result,) = send(client, inbox)
        assert watch(client, inbox).refresh() == 0
    assert json.loads((inbox / "done/blind.png.governance.json").read_text()) == result
