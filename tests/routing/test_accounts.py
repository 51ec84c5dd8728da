"""Accounts as a process knows them: an organisation's own before the operator's, never mixed up."""

import pytest
from pydantic import SecretStr
from sqlalchemy import update

from governance.kernel import ids
from governance.kernel.database import Database
from governance.kernel.errors import ConfigurationError, InvalidRequest
from governance.kernel.sealing import Sealer
from governance.ledger import Ledger
from governance.routing import accounts
from governance.routing.account import Account
from governance.routing.accounts import AccountStore
from governance.routing.tables import ProviderAccount

SEALER = Sealer(ids.random_bytes(32))
OPERATORS = Account(SecretStr("the-operators"))
BY = "usr_" + "0" * 32


def opened(database: Database, sealer: Sealer = SEALER) -> AccountStore:
    return AccountStore(database, sealer, {"kling": OPERATORS})


def own(
    database: Database, ledger: Ledger, organisation: str, key: str, *trusted: str, **fields: str
) -> None:
    database.write(
        lambda c: accounts.set_account(
            c,
            ledger,
            SEALER,
            organisation=organisation,
            provider="kling",
            fields={"key": key, **fields},
            by=BY,
            trusted=trusted,
        )
    )


def key_of(store: AccountStore, organisation: str) -> str:
    return store.get(organisation, "kling").key.get_secret_value()


def test_an_organisations_own_account_comes_first(database: Database, ledger: Ledger) -> None:
    store = opened(database)
    own(database, ledger, "acme", "acmes")
    assert key_of(store, "acme") == "the-operators"
    store.refresh()
    assert (key_of(store, "acme"), key_of(store, "other")) == ("acmes", "the-operators")


def test_one_that_does_not_open_stops_nobody_and_costs_the_operator_nothing(
    database: Database, ledger: Ledger
) -> None:
    own(database, ledger, "acme", "acmes")
    own(database, ledger, "other", "others")
    database.write(
        lambda c: c.execute(
            update(ProviderAccount)
            .where(ProviderAccount.organisation == "acme")  # type: ignore[arg-type]
            .values(sealed=b"spoilt")
        )
    )
    store = opened(database)
    assert (key_of(store, "acme"), key_of(store, "other")) == ("", "others")


def test_a_row_moved_to_another_organisation_is_worth_nothing(
    database: Database, ledger: Ledger
) -> None:
    own(database, ledger, "acme", "acmes")
    database.write(lambda c: c.execute(update(ProviderAccount).values(organisation="thief")))
    assert key_of(opened(database), "thief") == ""


def test_a_slow_reader_does_not_bring_a_replaced_key_back(
    database: Database, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(database)
    own(database, ledger, "acme", "replaced")
    read_whole, opening = AccountStore._open, iter((True,))

    def slow(self: AccountStore, *row: object) -> Account:
        """Between the reading of the rows and their use, the key is replaced and used."""
        account = read_whole(self, *row)  # type: ignore[arg-type]
        if next(opening, False):
            own(database, ledger, "acme", "current")
            store.refresh()
        return account

    monkeypatch.setattr(AccountStore, "_open", slow)
    store.refresh()

    assert key_of(store, "acme") == "current"


class TestAKey:
    def test_is_taken_without_what_comes_along_when_it_is_copied(
        self, database: Database, ledger: Ledger
    ) -> None:
        own(database, ledger, "acme", " acmes \n")
        assert key_of(opened(database), "acme") == "acmes"

    @pytest.mark.parametrize("key", ["klíč", "a\nb", "a\x00b", " "])
    def test_that_no_header_can_carry_is_refused(
        self, database: Database, ledger: Ledger, key: str
    ) -> None:
        with pytest.raises(InvalidRequest) as refused:
            own(database, ledger, "acme", key)
        assert (refused.value.code, refused.value.param) == ("account_invalid", "key")

    @pytest.mark.parametrize("key", ["klíč", "a\nb", "a\x00b"])
    def test_of_the_operators_that_no_header_can_carry_refuses_to_start(
        self, database: Database, key: str
    ) -> None:
        with pytest.raises(ConfigurationError, match="PROVIDERS__GOOGLE_VEO__KEY") as refused:
            AccountStore(database, SEALER, {"google-veo": Account(SecretStr(key))})
        assert refused.value.code == "provider_key_invalid"
        assert key not in refused.value.message

    def test_of_the_operators_may_be_a_file_of_many_lines(self, database: Database) -> None:
        file = Account(SecretStr('{\n  "type": "service_account"\n}\n'))
        store = AccountStore(database, SEALER, {"kling": file})
        assert key_of(store, "acme") == '{   "type": "service_account" }'


class TestAnAddress:
    @pytest.mark.parametrize(
        "url",
        [
            "https://[",
            "https://vendor.example:99999",
            "https://vendor.example:0",
            "https://:password@vendor.example",
            "https://user@vendor.example",
            "https://vendor.example/v1?key=1",
            "https:///v1",
            "http://vendor.example",
            "http://127.0.0.1:8188",
            "vendor.example",
        ],
    )
    def test_that_is_none_is_refused(self, database: Database, ledger: Ledger, url: str) -> None:
        with pytest.raises(InvalidRequest) as refused:
            own(database, ledger, "acme", "key", base_url=url)
        assert (refused.value.code, refused.value.param) == ("account_invalid", "base_url")
        with pytest.raises(InvalidRequest):
            accounts.require_public(url, ())

    @pytest.mark.parametrize(
        "url",
        ["https://127.0.0.1", "https://[::1]:8188/v1", "https://10.0.0.8", "https://localhost"],
    )
    def test_in_our_own_network_is_refused_unless_the_operator_allows_it(self, url: str) -> None:
        with pytest.raises(InvalidRequest) as refused:
            accounts.require_public(url, ())
        assert (refused.value.code, refused.value.param) == ("account_address_private", "base_url")

        accounts.require_public(url, ("127.0.0.1", "::1", "10.0.0.8", "localhost"))

    def test_of_this_machine_needs_no_tls_where_the_operator_allows_it(
        self, database: Database, ledger: Ledger
    ) -> None:
        own(database, ledger, "acme", "key", "127.0.0.1", base_url="http://127.0.0.1:8188")

        store = AccountStore(database, SEALER, {"kling": OPERATORS}, ("127.0.0.1",))

        assert store.get("acme", "kling").trusted == frozenset({"127.0.0.1"})
        assert store.get("other", "kling").trusted is None
