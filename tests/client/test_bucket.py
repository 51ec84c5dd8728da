"""A watched folder in a bucket, over real HTTP, in front of the real service."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from governance.cli import main
from governance.client.bucket import Bucket
from governance.client.client import GovernanceClient
from governance.client.folder import WatchedFolder, Words
from governance.client.places import PlaceUnavailable
from governance.simulators.s3 import BUCKET, PAGE, SimulatedS3, Stored
from tests.api.site import Site
from tests.client.test_folder import SAID, imports, picture

HOME = f"s3://{BUCKET}/exports"
COLOURS = ("navy", "teal", "olive", "maroon", "gold")


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedS3]:
    with SimulatedS3() as running:
        environment = {
            "AWS_ENDPOINT_URL": running.url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": running.key,
            "AWS_SECRET_ACCESS_KEY": "any",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield running


def put(s3: SimulatedS3, name: str, content: bytes) -> None:
    s3.state.objects[f"exports/{name}"] = Stored(content)


def watch(client: GovernanceClient) -> WatchedFolder:
    return WatchedFolder(client, Bucket(HOME), Words(governance=SAID), settle=0.0)


def send(client: GovernanceClient) -> list[str]:
    """Two looks: one sees the files, one finds them unchanged."""
    watched = watch(client)
    return [*watched.look(), *watched.look()]


def result(s3: SimulatedS3, name: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(s3.state.objects[f"exports/{name}"].content)
    return told


def names(s3: SimulatedS3) -> set[str]:
    return {key.removeprefix("exports/") for key in s3.state.objects}


def test_every_file_of_a_long_listing_enters_and_leaves_its_result(
    site: Site, client: GovernanceClient, s3: SimulatedS3, tmp_path: Path
) -> None:
    assert len(COLOURS) > PAGE
    for colour in COLOURS:
        put(s3, f"{colour}.png", picture(tmp_path / "made.png", colour).read_bytes())
    before = imports(site)
    written = send(client)
    assert imports(site) == before + len(COLOURS)
    assert set(written) == {f"done/{colour}.png.governance.json" for colour in COLOURS}
    assert names(s3) == set(written) | {f"done/{colour}.png" for colour in COLOURS}
    one = result(s3, "done/navy.png.governance.json")
    assert one["file"] == "navy.png"
    site.wait(one["id"], "in_review")
    assert watch(client).refresh() == len(COLOURS)
    assert result(s3, "done/navy.png.governance.json")["governance"]["state"] == "in_review"


def test_a_sidecar_speaks_for_its_file_and_what_is_refused_is_set_aside(
    site: Site, client: GovernanceClient, s3: SimulatedS3, tmp_path: Path
) -> None:
    put(s3, "said.png", picture(tmp_path / "made.png", "pink").read_bytes())
    put(s3, "said.png.json", b'{"governance": {"project": "other"}}')
    put(s3, "notes.txt", b"no media")
    put(s3, "deeper/other.png", b"not of this folder")
    put(s3, "", b"")  # a folder, as consoles make them
    assert set(send(client)) == {
        "done/said.png.governance.json", "failed/notes.txt.governance.json"
    }  # fmt: skip
    assert "done/said.png.json" in names(s3)
    said = result(s3, "done/said.png.governance.json")
    assert site.service.story(said["id"]).request["project"] == "other"
    refused = result(s3, "failed/notes.txt.governance.json")
    assert refused["error"]["code"] == "media_unsupported"
    assert {"failed/notes.txt", "deeper/other.png"} <= names(s3)


def test_the_same_file_is_imported_once_and_another_of_its_name_keeps_the_first(
    site: Site, client: GovernanceClient, s3: SimulatedS3, tmp_path: Path
) -> None:
    first = picture(tmp_path / "made.png", "silver").read_bytes()
    before = imports(site)
    for _ in range(2):
        put(s3, "name.png", first)
        assert send(client) == ["done/name.png.governance.json"]
    assert imports(site) == before + 1
    put(s3, "name.png", picture(tmp_path / "made.png", "orchid").read_bytes())
    (written,) = send(client)
    assert imports(site) == before + 2
    assert result(s3, written)["file"] == f"name.{result(s3, written)['sha256'][:12]}.png"
    assert s3.state.objects["exports/done/name.png"].content == first


def test_what_another_watcher_has_taken_meanwhile_is_passed_over(
    client: GovernanceClient, s3: SimulatedS3, tmp_path: Path
) -> None:
    put(s3, "gone.png", picture(tmp_path / "made.png", "plum").read_bytes())
    watched = watch(client)
    assert list(watched.look()) == []
    looking = watched._complete

    def late() -> Any:
        found = looking()
        s3.state.objects.clear()
        return found

    watched._complete = late  # type: ignore[method-assign]
    assert list(watched.look()) == []
    assert names(s3) == set()


def test_a_bucket_that_does_not_answer_keeps_everything(
    client: GovernanceClient, s3: SimulatedS3, tmp_path: Path
) -> None:
    put(s3, "waits.png", picture(tmp_path / "made.png", "beige").read_bytes())
    watched = watch(client)
    s3.state.failing = True
    with pytest.raises(PlaceUnavailable, match=HOME):
        list(watched.look())
    s3.state.failing = False
    assert [*watched.look(), *watched.look()] == ["done/waits.png.governance.json"]


def test_a_credential_that_is_refused_is_told(
    s3: SimulatedS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody-elses")
    with pytest.raises(PlaceUnavailable) as refusal:
        Bucket(HOME).entries()
    assert "somebody-elses" not in str(refusal.value)


def test_the_command_watches_a_bucket(
    site: Site, s3: SimulatedS3, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "key"
    key.write_text(site.keys["desk"])
    put(s3, "command.png", picture(tmp_path / "made.png", "coral").read_bytes())
    given = [
        "watch", HOME, "--service", site.url, "--api-key", str(key), "--project", "launch",
        "--territories", "EU", "--audience", "internal", "--settle", "0.05", "--once",
    ]  # fmt: skip
    assert main(given) == 0
    assert f"{HOME}/done/command.png.governance.json" in capsys.readouterr().out
    assert main([given[0], "s3://", *given[2:]]) == 1
    assert "s3://" in capsys.readouterr().err
