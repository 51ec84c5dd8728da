"""Accounts as a process knows them: an organisation's own before the operator's, never mixed up."""

from pydantic import SecretStr
from sqlalchemy import update

from governance.kernel import ids
from governance.kernel.database import Database
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


def own(database: Database, ledger: Ledger, organisation: str, key: str) -> None:
    database.write(
        lambda c: accounts.set_account(
            c,
            ledger,
            SEALER,
            organisation=organisation,
            provider="kling",
            fields={"key": key},
            by=BY,
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
