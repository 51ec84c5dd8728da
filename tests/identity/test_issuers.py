"""Which issuers count is written down; their keys are fetched from where that is allowed."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from freezegun import freeze_time

from governance.evidence.encoding import encode64url
from governance.identity import issuers
from governance.identity.issuers import FRESH, PAUSE, STALE, KeySet
from governance.kernel.errors import ConfigurationError, Unavailable
from governance.kernel.settings import packaged
from tests.identity.platform_issuer import KeyServer, key_server, new_key, public

KEY = new_key()
ENTRY: dict[str, Any] = {
    "issuer": "https://login.example/tenant",
    "organisation": "acme",
    "audience": "https://governance.example",
    "algorithms": ["ES256"],
    "jwks": {"keys": [public(KEY)]},
}
REMOTE = {name: value for name, value in ENTRY.items() if name != "jwks"}


@pytest.fixture
def served() -> Iterator[KeyServer]:
    with key_server() as server:
        yield server


def folder(path: Path, *entries: dict[str, Any], hosts: tuple[str, ...] = ()) -> Path:
    """A policy folder with these issuers. JSON is YAML."""
    (path / "schemas").mkdir(exist_ok=True)
    schema = packaged("policies") / issuers.SCHEMA
    (path / issuers.SCHEMA).write_text(schema.read_text())
    (path / issuers.FILE).write_text(
        json.dumps({"allowed_hosts": hosts, "issuers": entries}, indent=1)
    )
    return path


def test_the_packaged_policies_believe_nobody() -> None:
    assert issuers.load(packaged("policies")) == {}


def test_an_issuers_keys_may_be_written_down(tmp_path: Path) -> None:
    loaded = issuers.load(folder(tmp_path, ENTRY))
    issuer = loaded["https://login.example/tenant"]
    assert (issuer.organisation, issuer.audience) == ("acme", "https://governance.example")
    assert [key.kid for key in issuer.keys.candidates("k1")] == ["k1"]
    assert issuer.keys.candidates("k2") == []


def key(**changes: Any) -> dict[str, Any]:
    return {**ENTRY, "jwks": {"keys": [{**public(KEY), **changes}]}}


def secret() -> dict[str, Any]:
    return {**ENTRY, "jwks": {"keys": [dict(KEY.as_dict(private=True))]}}


def short() -> dict[str, Any]:
    """An RSA key that is too short to count."""
    weak = {"kty": "RSA", "n": encode64url(b"\xff" * 128), "e": "AQAB"}
    return {**ENTRY, "jwks": {"keys": [weak]}}


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "keys from a host that is not allowed": (
        {**REMOTE, "jwks_url": "https://evil.example/keys"},
        "its host is not in allowed_hosts",
    ),
    "keys without TLS": (
        {**REMOTE, "jwks_url": "http://login.example/keys"},
        "the address must begin with https://",
    ),
    "an issuer without TLS": (
        {**ENTRY, "issuer": "http://login.example"},
        "the address must begin with https://",
    ),
    "no keys": (REMOTE, "is not valid under"),
    "keys twice": ({**ENTRY, "jwks_url": "https://login.example/keys"}, "is valid under more"),
    "no algorithm": ({**ENTRY, "algorithms": ["none"]}, "none"),
    "a secret key": (secret(), "the key is secret"),
    "a key for encryption": (key(use="enc"), "the key is not for verifying signatures"),
    "a key for another algorithm": (key(alg="ES384"), "the key is for another algorithm"),
    "a key of another curve": (key(crv="P-384"), "the key is neither"),
    "a key off the curve": (key(x="AA"), "the key is malformed"),
    "a short key": (short(), "the RSA key must have 2048"),
    "a word that we don't know": ({**ENTRY, "trust": True}, "trust"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_it_refuses(fault: str, tmp_path: Path) -> None:
    entry, message = FAULTS[fault]
    path = folder(tmp_path, entry, hosts=("login.example",))
    faults = issuers.check(path)
    assert any(message in str(found) for found in faults), faults
    assert all(found.file == issuers.FILE and found.line > 1 for found in faults)
    with pytest.raises(ConfigurationError):
        issuers.load(path)


def test_it_refuses_an_issuer_that_is_listed_twice(tmp_path: Path) -> None:
    assert "twice" in str(issuers.check(folder(tmp_path, ENTRY, ENTRY)))


class TestFetching:
    def test_keys_are_fetched_once_for_a_while(self, served: KeyServer) -> None:
        served.publish(KEY)
        keys = KeySet(url=served.url)
        with freeze_time("2026-11-22T11:12:05Z") as moment:
            for _ in range(5):
                assert len(keys.candidates("k1")) == 1
            assert served.asked == 1
            moment.tick(FRESH)
            assert len(keys.candidates("k1")) == 1
            assert served.asked == 2

    def test_a_new_key_is_found_at_once_and_strangers_cannot_make_us_ask_again_and_again(
        self, served: KeyServer
    ) -> None:
        served.publish(KEY)
        keys = KeySet(url=served.url)
        with freeze_time("2026-11-22T11:12:05Z") as moment:
            keys.candidates("k1")
            served.publish(KEY, new_key(kid="k2"))
            for number in range(50):
                assert keys.candidates(f"no-{number}") == []
            assert served.asked == 1
            moment.tick(PAUSE)
            assert len(keys.candidates("k2")) == 1
            assert served.asked == 2

    def test_without_an_answer_known_keys_count_for_an_hour(self, served: KeyServer) -> None:
        served.publish(KEY)
        keys = KeySet(url=served.url)
        with freeze_time("2026-11-22T11:12:05Z") as moment:
            keys.candidates("k1")
            served.status = 500
            moment.tick(STALE - FRESH)
            assert len(keys.candidates("k1")) == 1
            moment.tick(FRESH)
            with pytest.raises(Unavailable) as refusal:
                keys.candidates("k1")
        assert refusal.value.code == "issuer_unavailable"

    @pytest.mark.parametrize(
        ("status", "document"),
        [
            (404, b"{}"),
            (302, b"{}"),
            (200, b"no JSON"),
            (200, b"[]"),
            (200, b'{"keys": {}}'),
            (200, json.dumps({"keys": [public(KEY)] * 33}).encode()),
            (200, b'{"keys": [], "filling": "' + b"x" * 200_000 + b'"}'),
        ],
    )
    def test_what_is_no_small_key_set_is_no_answer(
        self, served: KeyServer, status: int, document: bytes
    ) -> None:
        served.status, served.document = status, document
        served.headers["Location"] = served.url
        with pytest.raises(Unavailable):
            KeySet(url=served.url).candidates("k1")
        assert served.asked == 1

    def test_an_issuer_may_publish_keys_that_we_cannot_use(self, served: KeyServer) -> None:
        served.document = json.dumps(
            {"keys": [{"kty": "oct", "k": "AAAA"}, 7, {"kty": "EC", "crv": "P-521"}, public(KEY)]}
        ).encode()
        assert [key.kid for key in KeySet(url=served.url).candidates("k1")] == ["k1"]

    def test_a_slow_issuer_holds_up_nobody_whose_key_is_known(
        self, served: KeyServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Anybody can present a key that nobody knows, which makes us ask."""
        served.publish(KEY)
        keys = KeySet(url=served.url)
        began, answer = Event(), Event()

        def slow(url: str) -> None:
            began.set()
            answer.wait(10)

        with freeze_time("2026-11-22T11:12:05Z") as moment:
            keys.candidates("k1")
            moment.tick(PAUSE)
            monkeypatch.setattr(issuers, "_fetch", slow)
            with ThreadPoolExecutor(2) as others:
                stranger = others.submit(keys.candidates, "k2")
                assert began.wait(10)
                try:
                    assert len(others.submit(keys.candidates, "k1").result(2)) == 1
                finally:
                    answer.set()
                assert stranger.result(10) == []

    def test_nobody_there_is_no_answer(self) -> None:
        with pytest.raises(Unavailable):
            KeySet(url="http://127.0.0.1:1/keys").candidates("k1")
