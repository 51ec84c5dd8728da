"""Accounts with vendors: each organisation's own, else the operator's from the settings.

Credentials are sealed in the database and appear in no record and no answer; `account.changed` says
who set which fields of which account, and on which host it lies.
"""

import logging
import threading
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
from pydantic import SecretStr
from sqlalchemy import Connection, delete, insert, select
from sqlmodel import Session

from governance.kernel import clock, epoch
from governance.kernel.database import Database
from governance.kernel.errors import ConfigurationError, InvalidRequest, NotFound
from governance.kernel.sealing import Sealer
from governance.kernel.settings import LOOPBACK
from governance.ledger import SERVICE, Entry, Ledger
from governance.routing.account import Account
from governance.routing.addresses import Unreachable, resolve
from governance.routing.tables import ProviderAccount

log = logging.getLogger(__name__)
SECRETS = ("key", "secret")
FIELDS = (*SECRETS, "base_url", "project", "location")
MAX_VALUE = 16_384  # some vendors' keys are whole files
_ROWS = ProviderAccount.__table__  # type: ignore[attr-defined]

Accounts = Mapping[tuple[str, str], Account]  # by organisation and provider


class AccountStore:
    """One per process: all accounts, read again as soon as the epoch has moved.

    defaults: by provider, for organisations that have none of their own; trusted: hosts of the
    operator's to which organisations' accounts may lead, though they lie in a private network.
    Raises ConfigurationError (`provider_key_invalid`).
    """

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        defaults: Mapping[str, Account],
        trusted: Collection[str] = (),
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._defaults = {name: _operators(name, account) for name, account in defaults.items()}
        self.trusted = frozenset(trusted)
        self._known: tuple[int, Accounts] = (-1, {})  # as of which epoch
        self._writing = threading.Lock()
        self.refresh()

    def get(self, organisation: str, provider: str) -> Account:
        """As of the last look; an empty account where there is none."""
        own = self._known[1].get((organisation, provider))
        return own or self._defaults.get(provider) or Account()

    def refresh(self) -> None:
        """Look whether anything has changed: one SELECT, and another when it has."""
        with self._database.read() as session:
            connection = session.connection()
            self.as_of(connection, epoch.current(connection))

    def as_of(self, connection: Connection, number: int) -> None:
        """The same for whoever has read the epoch already, in the same snapshot.

        Whoever was slow changes nothing: a key that was replaced must not come back into use.
        """
        if number <= self._known[0]:
            return
        rows = connection.execute(select(_ROWS)).all()
        accounts = {
            (row.organisation, row.provider): self._open(row.organisation, row.provider, row.sealed)
            for row in rows
        }
        with self._writing:
            if number > self._known[0]:
                self._known = (number, accounts)

    def _open(self, organisation: str, provider: str, sealed: bytes) -> Account:
        """One that doesn't open is empty: neither a reason to stop everybody, nor one to spend from
        the operator's account."""
        try:
            told = orjson.loads(self._sealer.open(sealed, _purpose(organisation, provider)))
        except ConfigurationError as error:
            log.error("account unreadable", extra={"provider": provider, "code": error.code})
            return Account()
        return _account(told, self.trusted)


def own(session: Session, organisation: str) -> frozenset[str]:
    """The providers with which an organisation has an account of its own."""
    asked = select(_ROWS.c.provider).where(_ROWS.c.organisation == organisation)
    return frozenset(session.connection().execute(asked).scalars())


def require_provider(provider: str, known: Collection[str]) -> None:
    """Raises NotFound (`provider_unknown`)."""
    if provider not in known:
        raise NotFound(
            "provider_unknown", f"There is no provider {provider}: {', '.join(sorted(known))}."
        )


def set_account(
    connection: Connection,
    ledger: Ledger,
    sealer: Sealer,
    *,
    organisation: str,
    provider: str,
    fields: Mapping[str, str],
    by: str,
    trusted: Collection[str] = (),
) -> None:
    """Set an organisation's account with a vendor; what it was before is gone.

    fields: some of FIELDS; trusted: as of `AccountStore`. Raises InvalidRequest
    (`account_invalid`). Where its address leads is to be asked before: `require_public`.
    """
    fields = {name: _plain(name, value) for name, value in fields.items()}
    _require_valid(fields, trusted)
    epoch.advance(connection)
    sealed = sealer.seal(orjson.dumps(fields), _purpose(organisation, provider))
    connection.execute(_deleting(organisation, provider))
    row = {"organisation": organisation, "provider": provider, "sealed": sealed}
    connection.execute(insert(_ROWS).values(**row, changed_at=clock.now()))
    host = urlsplit(fields.get("base_url", "")).hostname
    told = {"action": "set", "fields": sorted(fields), "host": host}
    _record(connection, ledger, organisation, provider, told, by)


def remove_account(
    connection: Connection, ledger: Ledger, *, organisation: str, provider: str, by: str
) -> None:
    """From now on the operator's account is used, if there is one.

    Raises NotFound (`account_unknown`).
    """
    epoch.advance(connection)
    if not connection.execute(_deleting(organisation, provider)).rowcount:
        raise NotFound("account_unknown", f"There is no account of {organisation} at {provider}.")
    told: dict[str, Any] = {"action": "removed", "fields": [], "host": None}
    _record(connection, ledger, organisation, provider, told, by)


def require_public(base_url: str, trusted: Collection[str]) -> None:
    """Where an address leads now; it is asked again at each use. Blocking.

    Raises InvalidRequest (`account_invalid`, `account_address_private`).
    """
    url = _address(base_url, trusted)
    try:
        resolve(url.raw_host.decode("ascii"), url.port or 443, trusted)
    except Unreachable:
        raise InvalidRequest(
            "account_address_private",
            "No public address is known for the host of `base_url`. Accounts lead to public "
            "addresses, and to the hosts in GOVERNANCE_PROVIDER_HOSTS.",
            param="base_url",
        ) from None


def _require_valid(fields: Mapping[str, str], trusted: Collection[str]) -> None:
    unknown = sorted(set(fields) - set(FIELDS))
    if unknown or not fields:
        raise InvalidRequest(
            "account_invalid",
            f"An account has {', '.join(FIELDS)}; send those that the vendor needs.",
            param=unknown[0][:64] if unknown else None,
        )
    for name, value in fields.items():
        if not 1 <= len(value) <= MAX_VALUE or not _is_sendable(value):
            raise InvalidRequest(
                "account_invalid",
                f"`{name}` must be 1 to {MAX_VALUE} printable ASCII characters.",
                param=name,
            )
    if "base_url" in fields:
        _address(fields["base_url"], trusted)


def _address(base_url: str, trusted: Collection[str]) -> httpx.URL:
    """The address as it will be asked. Raises InvalidRequest (`account_invalid`)."""
    try:
        url = httpx.URL(base_url)
        is_fit = bool(urlsplit(base_url).hostname) and _is_fit(url, trusted)  # both will read it
    except (httpx.InvalidURL, ValueError):
        is_fit = False
    if not is_fit:
        raise InvalidRequest(
            "account_invalid",
            "`base_url` must be an https:// address without credentials and query, because the key "
            "would cross the network in the clear.",
            param="base_url",
        )
    return url


def _is_fit(url: httpx.URL, trusted: Collection[str]) -> bool:
    if not url.host or url.userinfo or url.query or url.fragment:
        return False
    if url.port is not None and not 0 < url.port < 65536:
        return False
    is_here = url.scheme == "http" and url.host in LOOPBACK and url.host in trusted
    return is_here or url.scheme == "https"


def _plain(name: str, value: str) -> str:
    """A credential without what comes along when it is copied, or with a file's lines."""
    if name not in SECRETS:
        return value
    plain = value.strip()
    return " ".join(plain.splitlines()) if plain.startswith("{") else plain


def _is_sendable(value: str) -> bool:
    """As a header, which is ASCII."""
    return value.isascii() and value.isprintable()


def _operators(provider: str, account: Account) -> Account:
    """Raises ConfigurationError (`provider_key_invalid`) instead of failing with each order."""
    held: dict[str, Any] = {
        name: SecretStr(_plain(name, getattr(account, name).get_secret_value())) for name in SECRETS
    }
    for name, secret in held.items():
        if not _is_sendable(secret.get_secret_value()):
            variable = f"{provider}__{name}".upper().replace("-", "_")
            raise ConfigurationError(
                "provider_key_invalid",
                f"GOVERNANCE_PROVIDERS__{variable} must be printable ASCII characters.",
            )
    return replace(account, **held)


def _account(fields: Mapping[str, str], trusted: frozenset[str]) -> Account:
    secrets: dict[str, Any] = {name: SecretStr(fields.get(name, "")) for name in SECRETS}
    others: dict[str, Any] = {
        name: fields.get(name, "") for name in ("base_url", "project", "location")
    }
    return Account(**secrets, **others, trusted=trusted)


def _deleting(organisation: str, provider: str) -> Any:
    return delete(_ROWS).where(_ROWS.c.organisation == organisation, _ROWS.c.provider == provider)


def _purpose(organisation: str, provider: str) -> str:
    return f"provider account {organisation} {provider}"


def _record(
    connection: Connection,
    ledger: Ledger,
    organisation: str,
    provider: str,
    told: dict[str, Any],
    by: str,
) -> None:
    body = {"organisation": organisation, "provider": provider, **told, "by": by}
    ledger.append(connection, Entry(SERVICE, "account.changed", body))
