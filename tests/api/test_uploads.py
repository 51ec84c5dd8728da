"""Finished files from outside: stored once they are known, on the same road as all others."""

import hashlib
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from governance.api import uploads
from governance.kernel.errors import Unavailable
from tests.api.site import CANARY, PICTURE, UPLOAD_LIMIT, Site, refusal
from tests.platform import ORGANISATION

CREATE = "/v1/governance/generations"
ASSETS = "/v1/governance/assets"
AGENTS = "/v1/governance/agents"
ROLES = "/v1/governance/roles/revoke"


def slow(site: Site) -> str:
    return site.principals["slow"].id


def held(agent: str) -> dict[str, str]:
    return {"subject": agent, "role": "role:producer", "domain": f"org/{ORGANISATION}"}


class TestFinishedFiles:
    @pytest.fixture
    def edit(self, tmp_path: Path) -> Path:
        path = tmp_path / "edit.png"
        shades = np.linspace(0, 255, 128 * 128 * 3).reshape(128, 128, 3).astype(np.uint8)
        Image.fromarray(shades).save(path)
        return path

    def send(
        self, site: Site, edit: Path, caller: str = "producer", key: str = "", **fields: str
    ) -> httpx.Response:
        with edit.open("rb") as stream:
            return site[caller].post(
                ASSETS,
                data={
                    **{
                        f"metadata[{k}]": v
                        for k, v in PICTURE["governance"].items()
                        if k != "territories"
                    },
                    "metadata[territories]": "JP",
                    **fields,
                },
                files={"file": (edit.name, stream)},
                headers={"Idempotency-Key": key} if key else {},
            )

    def test_an_edit_goes_the_same_road_and_names_what_it_was_made_from(
        self, site: Site, edit: Path, picture: dict[str, Any]
    ) -> None:
        answer = self.send(
            site, edit, ingredients=f"{picture['id']}, {picture['id']}", description=CANARY
        )
        assert answer.status_code == 200, answer.text
        made = answer.json()
        assert answer.headers["x-governance-generation"] == made["id"]
        assert CANARY not in answer.text
        site.wait(made["id"], "released")
        path = f"{CREATE}/{made['id']}"
        request = site["producer"].get(path).json()["story"]["request"]
        assert request["ingredients"] == [
            {"generation": picture["id"], "digest": picture["governance"]["digest"]}
        ]
        assert request["asset"]["digest"] == hashlib.sha256(edit.read_bytes()).hexdigest()

    def test_the_same_key_imports_once(self, site: Site, edit: Path) -> None:
        made = self.send(site, edit, key="edit-1").json()
        with site.recorded():
            assert self.send(site, edit, key="edit-1").json()["id"] == made["id"]
        files = self.files(site)
        with site.recorded():
            answer = self.send(site, edit, key="edit-1", source_type="algorithmicMedia")
        refusal(answer, 422, "idempotency_key_reused")
        assert self.files(site) == files

    def test_what_policy_denies_is_not_kept(self, site: Site, edit: Path) -> None:
        files = self.files(site)
        with site.recorded("asset.imported", "policy.decided"):
            answer = self.send(site, edit, **{"metadata[real_person]": "yes"})
        error = refusal(answer, 400, "policy_denied")
        assert error["details"]["generation"]
        assert self.files(site) == files

    @pytest.mark.parametrize(
        ("fields", "status", "code"),
        [
            ({"source_type": "photograph"}, 400, "source_type_invalid"),
            ({"sourcetype": "algorithmicMedia"}, 400, "field_unknown"),
            ({"metadata[territories]": ""}, 400, "territory_missing"),
            ({"governance": '{"teritories": 1}'}, 400, "governance_invalid"),
            ({"ingredients": "gen_1"}, 404, "generation_not_found"),
            ({"ingredients": ",".join(map(str, range(17)))}, 400, "ingredients_invalid"),
        ],
    )
    def test_a_wrong_field_is_refused_and_no_file_stays(
        self, site: Site, edit: Path, fields: dict[str, str], status: int, code: str
    ) -> None:
        files = self.files(site)
        with site.recorded():
            refusal(self.send(site, edit, **fields), status, code)
        assert self.files(site) == files

    def test_a_file_that_cannot_be_marked_is_refused(self, site: Site, tmp_path: Path) -> None:
        odd = tmp_path / "clip.mp4"
        odd.write_bytes(b"GIF89a" + b"\0" * 100)
        with site.recorded():
            refusal(self.send(site, odd), 415, "media_unsupported")
            odd.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 100)
            refusal(self.send(site, odd), 400, "media_corrupt")
            refusal(site["producer"].post(ASSETS, data={"description": "x"}), 400, "file_missing")
            refusal(site["producer"].post(ASSETS, json={}), 400, "file_missing")
            odd.write_bytes(b"\0" * UPLOAD_LIMIT)
            refusal(self.send(site, odd), 413, "body_too_large")

    def test_a_stranger_is_refused_before_the_file_is_sent(self, site: Site) -> None:
        host, port = site.authority.split(":")
        with site.recorded(), socket.create_connection((host, int(port)), timeout=10) as connection:
            head = (
                f"POST {ASSETS} HTTP/1.1\r\nHost: {site.authority}\r\n"
                f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000\r\n\r\n"
            )
            connection.sendall(head.encode())
            answer = connection.recv(4096).decode()
        assert answer.startswith("HTTP/1.1 401")
        assert "credentials_missing" in answer

    def test_who_may_import_nowhere_is_refused_before_the_file_is_sent(self, site: Site) -> None:
        site.employ("looker", ["generation:read"], "producer")
        host, port = site.authority.split(":")
        connecting = socket.create_connection((host, int(port)), timeout=10)
        with site.recorded("access.denied"), connecting as connection:
            head = (
                f"POST {ASSETS} HTTP/1.1\r\nHost: {site.authority}\r\n"
                f"Authorization: Bearer {site.keys['looker']}\r\n"
                f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000\r\n\r\n"
            )
            connection.sendall(head.encode())
            answer = connection.recv(4096).decode()
        assert answer.startswith("HTTP/1.1 403")

    def test_a_file_that_fills_the_disk_with_others_is_refused_on_its_way(
        self, site: Site, edit: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        left = iter([True])  # there is room when it begins

        def require_room() -> None:
            if not next(left, False):
                raise Unavailable("disk_full", "The media store has no room; free disk space.")

        monkeypatch.setattr(uploads, "LOOK_EVERY", 1)
        monkeypatch.setattr(site.service.context.media, "require_room", require_room)
        answer = self.send(site, edit)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "disk_full")

    def test_a_signed_file_is_the_one_that_was_signed_and_counts_once(
        self, site: Site, edit: Path
    ) -> None:
        site.enlist("editor", "agent", "producer")
        fields = {"metadata[territories]": "EU", "metadata[audience]": "internal"}
        request = site.signed(
            "editor", "POST", ASSETS, data=fields, files={"file": edit.read_bytes()}
        )
        other = request.content.replace(b"internal", b"external")
        forged = httpx.Request("POST", request.url, headers=request.headers, content=other)
        files = self.files(site)
        with site.recorded():
            refusal(site["visitor"].send(forged), 401, "signature_digest")
        assert self.files(site) == files
        request = site.signed(
            "editor", "POST", ASSETS, data=fields, files={"file": edit.read_bytes()}
        )
        answer = site["visitor"].send(request)
        assert answer.status_code == 200, answer.text
        assert site.service.records(answer.json()["id"])[0].body["signature"]["keyid"]
        with site.recorded():
            refusal(site["visitor"].send(request), 401, "signature_replayed")

    def test_only_who_may_import_is_let_in(self, site: Site, edit: Path) -> None:
        files = self.files(site)
        with site.recorded("access.denied"):
            refusal(self.send(site, edit, caller="reviewer"), 403, "access_denied")
        assert self.files(site) == files

    @pytest.mark.parametrize(
        ("end", "code"),
        [
            (lambda site: site["admin"].post(f"{AGENTS}/{slow(site)}/suspend"), "authority_ended"),
            (lambda site: site["admin"].post(ROLES, json=held(slow(site))), "access_denied"),
        ],
        ids=["suspended", "without the role"],
    )
    def test_what_ends_while_a_file_comes_in_has_ended(
        self, site: Site, edit: Path, end: Callable[[Site], httpx.Response], code: str
    ) -> None:
        """Otherwise whoever sends slowly keeps an authority for as long as they like."""
        site.enlist("slow", "agent", "producer")
        fields = {"metadata[territories]": "EU", "metadata[audience]": "internal"}
        request = site.signed(
            "slow", "POST", ASSETS, data=fields, files={"file": edit.read_bytes()}
        )
        files, body = self.files(site), request.content

        def trickling() -> Iterator[bytes]:
            yield body[:100]
            deadline = time.monotonic() + 30
            while self.files(site) == files:  # until its sender is known
                assert time.monotonic() < deadline, "the file does not come in"
                time.sleep(0.01)
            answer = end(site)
            assert answer.status_code == 200, answer.text
            yield body[100:]

        sent = httpx.Request("POST", request.url, headers=request.headers, content=trickling())
        refusal(site["visitor"].send(sent), 403, code)
        assert self.files(site) == files

    def test_what_was_not_released_is_no_ingredient(self, site: Site, edit: Path) -> None:
        waiting = site.create(real_person="unknown")["id"]
        site.wait(waiting, "in_review")
        with site.recorded():
            refusal(self.send(site, edit, ingredients=waiting), 409, "ingredient_not_released")

    def files(self, site: Site) -> set[Path]:
        """Every media file of the service."""
        site.settle()
        folder = site.service.context.settings.data_dir / "media"
        return {path for path in folder.rglob("*") if path.is_file()}
