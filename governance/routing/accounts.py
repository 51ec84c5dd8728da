"""Accounts with vendors: each organisation's own, else the operator's from the settings.

Credentials are sealed in the database and appear in no record and no answer; `account.changed` says
who set which fields of which account, and on which host it lies.
"""

import logging
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson
from pydantic import SecretStr
from sqlalchemy import Connection, delete, insert, select
from sqlmodel import Session

from governance.kernel import clock, epoch
from governance.kernel.database import Database
from governance.kernel.errors import ConfigurationError, InvalidRequest, NotFound
from governance.kernel.sealing import Sealer
from governance.ledger import SERVICE, Entry, Ledger
from governance.routing.account import Account
from governance.routing.tables import ProviderAccount

log = logging.getLogger(__name__)
FIELDS = ("key", "secret", "base_url", "project", "location")
MAX_VALUE = 16_384  # some vendors' keys are whole files
LOOPBACK = ("127.0.0.1", "::1", "localhost")
_ROWS = ProviderAccount.__table__  # type: ignore[attr-defined]

Accounts = Mapping[tuple[str, str], Account]  # by organisation and provider


class AccountStore:
    """One per process: all accounts, read again as soon as the epoch has moved.

    defaults: by provider, for organisations that have none of their own.
    """

    def __init__(self, database: Database, sealer: Sealer, defaults: Mapping[str, Account]) -> None:
        self._database = database
        self._sealer = sealer
        self._defaults = defaults
        self._epoch = -1
        self._accounts: Accounts = {}
        self.refresh()

    def get(self, organisation: str, provider: str) -> Account:
        """As of the last look; an empty account where there is none."""
        own = self._accounts.get((organisation, provider))
        return own or self._defaults.get(provider) or Account()

    def refresh(self) -> None:
        """Look whether anything has changed: one SELECT, and another when it has."""
        with self._database.read() as session:
            connection = session.connection()
            self.as_of(connection, epoch.current(connection))

    def as_of(self, connection: Connection, number: int) -> None:
        """The same for whoever has read the epoch already, in the same snapshot."""
        if number == self._epoch:
            return
        rows = connection.execute(select(_ROWS)).all()
        self._accounts = {
            (row.organisation, row.provider): self._open(row.organisation, row.provider, row.sealed)
            for row in rows
        }
        self._epoch = number

    def _open(self, organisation: str, provider: str, sealed: bytes) -> Account:
        """One that doesn't open is empty: neither a reason to stop everybody, nor one to spend from
        the operator's account."""
        try:
            told = orjson.loads(self._sealer.open(sealed, _purpose(organisation, provider)))
        except ConfigurationError as error:
            log.error("account unreadable", extra={"provider": provider, "code": error.code})
            return Account()
        return _account(told)


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
) -> None:
    """Set an organisation's account with a vendor; what it was before is gone.

    fields: some of FIELDS. Raises InvalidRequest (`account_invalid`).
    """
    _require_valid(fields)
    epoch.advance(connection)
    sealed = sealer.seal(orjson.dumps(dict(fields)), _purpose(organisation, provider))
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


def _require_valid(fields: Mapping[str, str]) -> None:
    unknown = sorted(set(fields) - set(FIELDS))
    if unknown or not fields:
        raise InvalidRequest(
            "account_invalid",
            f"An account has {', '.join(FIELDS)}; send those that the vendor needs.",
            param=unknown[0][:64] if unknown else None,
        )
    for name, value in fields.items():
        if not 1 <= len(value) <= MAX_VALUE or not value.isprintable():
            raise InvalidRequest(
                "account_invalid",
                f"`{name}` must be 1 to {MAX_VALUE} printable characters.",
                param=name,
            )
    url = urlsplit(fields.get("base_url", "https://vendor"))
    is_safe = url.scheme == "https" or (url.scheme == "http" and url.hostname in LOOPBACK)
    if not url.hostname or not is_safe or url.username or url.query or url.fragment:
        raise InvalidRequest(
            "account_invalid",
            "`base_url` must be an https:// address without credentials and query; http:// is for "
            "this machine only, because the key would cross the network in the clear.",
            param="base_url",
        )


def _account(fields: Mapping[str, str]) -> Account:
    secrets: dict[str, Any] = {name: SecretStr(fields.get(name, "")) for name in ("key", "secret")}
    others: dict[str, Any] = {
        name: fields.get(name, "") for name in ("base_url", "project", "location")
    }
    return Account(**secrets, **others)


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
