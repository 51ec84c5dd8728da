"""Issuers whose access tokens count, and their keys: `issuers.yaml`, which people edit."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from governance.evidence.encoding import parse_json
from governance.evidence.errors import EvidenceError
from governance.identity import jose
from governance.identity.jose import PublicKey, TokenFault
from governance.kernel import clock
from governance.kernel.documents import Document, FileFault, Pointer, read_yaml, refusal
from governance.kernel.errors import Unavailable
from governance.kernel.settings import LOOPBACK

FILE = "issuers.yaml"
SCHEMA = "schemas/issuers.schema.json"
FRESH = timedelta(minutes=5)  # how long fetched keys are used without asking again
STALE = timedelta(hours=1)  # and how long when the issuer does not answer
PAUSE = timedelta(seconds=30)  # between two requests, however many unknown keys are presented
MAX_KEYS = 32
_MAX_BYTES = 128 * 1024
_TIMEOUT = 5.0
_WAIT = 2.0  # seconds; a thread that waits here is one that serves nobody else


@dataclass
class KeySet:
    """An issuer's keys, written down or fetched from `url`."""

    keys: Sequence[PublicKey] = ()
    url: str = ""
    _fetched: datetime | None = None
    _asked: datetime | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def candidates(self, kid: str | None) -> list[PublicKey]:
        """The keys that a token with this `kid` may be signed with; may ask the issuer.

        Raises Unavailable (`issuer_unavailable`).
        """
        if self.url:
            # While another asks, those whose key is known go on, and the others wait a moment.
            if self._lock.acquire(timeout=0 if self._knows(kid) else _WAIT):
                try:
                    self._refresh(kid)
                finally:
                    self._lock.release()
            self._require_recent()
        if kid is None:  # then it must be clear which is meant
            return list(self.keys) if len(self.keys) == 1 else []
        return [key for key in self.keys if key.kid == kid]

    def _refresh(self, kid: str | None) -> None:
        now = clock.now()
        age = now - self._fetched if self._fetched else None
        is_due = age is None or age >= FRESH or not self._knows(kid)
        if is_due and (self._asked is None or now - self._asked >= PAUSE):
            self._asked = now
            fetched = _fetch(self.url)
            if fetched is not None:
                self.keys, self._fetched = fetched, now

    def _knows(self, kid: str | None) -> bool:
        return bool(self.keys) if kid is None else any(key.kid == kid for key in self.keys)

    def _require_recent(self) -> None:
        if self._fetched is None or clock.now() - self._fetched >= STALE:
            raise Unavailable(
                "issuer_unavailable", "The keys of the token's issuer cannot be had now; try later."
            )


@dataclass(frozen=True)
class Issuer:
    """One whose word on who is asking counts, for one organisation's agents."""

    issuer: str
    organisation: str
    audience: str
    algorithms: frozenset[str]
    keys: KeySet


def load(policies_dir: Path) -> Mapping[str, Issuer]:
    """The issuers by their URL. Raises ConfigurationError (`issuers_invalid`)."""
    document, faults = _inspect(policies_dir)
    if faults:
        raise refusal("issuers_invalid", faults)
    return {entry["issuer"]: _issuer(entry) for entry in document.value["issuers"]}


def check(policies_dir: Path) -> list[FileFault]:
    """What is wrong in `issuers.yaml`; its remote keys are not fetched."""
    return _inspect(policies_dir)[1]


def is_safe(url: str) -> bool:
    """Whether what comes from an address can be trusted to come from there."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def fetch_json(url: str) -> Any:
    """A small JSON document, from exactly this address; None when it cannot be had."""
    try:
        with (
            httpx.Client(timeout=_TIMEOUT, follow_redirects=False, trust_env=False) as client,
            client.stream("GET", url, headers={"Accept": "application/json"}) as response,
        ):
            if response.status_code != 200:
                return None
            body = b""
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > _MAX_BYTES:
                    return None
        return parse_json(body, "The document")
    except (httpx.HTTPError, EvidenceError):
        return None


def key_set(value: Any) -> list[PublicKey] | None:
    """The usable keys of a JWK set: issuers publish others, too. None if it is no such set."""
    entries = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(entries, list) or len(entries) > MAX_KEYS:
        return None
    found = []
    for entry in entries:
        try:
            found.append(jose.public_key(entry if isinstance(entry, dict) else {}))
        except TokenFault:
            continue
    return found


def _fetch(url: str) -> list[PublicKey] | None:
    return key_set(fetch_json(url))


def _issuer(entry: dict[str, Any]) -> Issuer:
    keys = [jose.public_key(key) for key in entry.get("jwks", {}).get("keys", [])]
    return Issuer(
        entry["issuer"],
        entry["organisation"],
        entry["audience"],
        frozenset(entry["algorithms"]),
        KeySet(keys, entry.get("jwks_url", "")),
    )


def _inspect(policies_dir: Path) -> tuple[Document, list[FileFault]]:
    document, faults = read_yaml(policies_dir, FILE, SCHEMA)
    return document, faults or list(_faults(document))


def _faults(document: Document) -> Iterator[FileFault]:
    hosts = document.value["allowed_hosts"]
    seen: set[str] = set()
    for index, entry in enumerate(document.value["issuers"]):
        where: Pointer = ("issuers", index)
        if entry["issuer"] in seen:
            yield document.fault((*where, "issuer"), "this issuer is listed twice")
        seen.add(entry["issuer"])
        for name in ("issuer", "jwks_url"):
            if name in entry and not is_safe(entry[name]):
                yield document.fault((*where, name), "the address must begin with https://")
        if "jwks_url" in entry and urlsplit(entry["jwks_url"]).hostname not in hosts:
            yield document.fault((*where, "jwks_url"), "its host is not in allowed_hosts")
        for number, key in enumerate(entry.get("jwks", {}).get("keys", [])):
            try:
                jose.public_key(key)
            except TokenFault as fault:
                yield document.fault((*where, "jwks", "keys", number), str(fault))
