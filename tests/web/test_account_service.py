"""The account pages over the real service: what a change does to sessions and records."""

from collections.abc import Iterator

import pytest

from governance.domain import Principal
from governance.identity import sessions
from governance.kernel.errors import Denied, GovernanceError, Unauthenticated
from governance.web.account_service import AccountService
from tests.identity.authenticator import Authenticator
from tests.platform import Service, open_service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = open_service(tmp_path_factory.mktemp("service"))
    yield service
    service.close()


@pytest.fixture
def account(service: Service) -> AccountService:
    return AccountService(service.context)


@pytest.fixture
def rita(service: Service) -> Principal:
    return service.person("reviewer")


def start(service: Service, person: Principal) -> str:
    return service.context.database.write(lambda c: sessions.start(c, person.id, absolute=3600.0))


def enrolled(account: AccountService, token: str) -> Authenticator:
    device = Authenticator(account.site.origin, account.site.id)
    account.enrol(token, device.create(account.enrolment_options(token)), "Laptop")
    return device


def lives(account: AccountService, token: str) -> bool:
    try:
        account.page(token)
    except Unauthenticated:
        return False
    return True


def test_revoking_a_passkey_ends_every_other_session(
    service: Service, account: AccountService, rita: Principal
) -> None:
    here = start(service, rita)
    device = enrolled(account, here)
    thief = account.sign_in(device.get(account.sign_in_options()), None)
    assert account.page(thief).method == "passkey"
    account.revoke(here, device.id)
    assert lives(account, here)
    assert not lives(account, thief)


def test_signing_in_ends_the_session_that_the_browser_had(
    service: Service, account: AccountService, rita: Principal
) -> None:
    planted = start(service, rita)
    device = enrolled(account, planted)
    token = account.sign_in(device.get(account.sign_in_options()), planted)
    assert lives(account, token)
    assert not lives(account, planted)


def test_a_proof_makes_the_session_fresh_again(
    service: Service, account: AccountService, rita: Principal
) -> None:
    token = start(service, rita)
    device = enrolled(account, token)
    strict = AccountService(service.configured(step_up=1e-6))
    with pytest.raises(Denied) as error:
        strict.require_fresh(token)
    assert error.value.code == "step_up_required"
    with pytest.raises(Denied):
        strict.enrolment_options(token)
    renewed = account.confirm_by_passkey(token, device.get(account.confirm_options(token)))
    assert not lives(account, token)
    account.require_fresh(renewed)


def test_nobody_confirms_with_the_passkey_of_somebody_else(
    service: Service, account: AccountService, rita: Principal
) -> None:
    token, other = start(service, rita), start(service, service.person("reviewer"))
    foreign = enrolled(account, other)
    answer = foreign.get(account.confirm_options(token))
    with pytest.raises(GovernanceError) as error:
        account.confirm_by_passkey(token, answer)
    assert error.value.code == "passkey_refused"
    assert lives(account, token)


def test_everything_about_an_app_needs_a_code_of_it(
    service: Service, account: AccountService, rita: Principal
) -> None:
    token = start(service, rita)
    setup = account.begin_totp(token)
    assert setup.secret in setup.address
    assert not account.page(token).has_totp
    with pytest.raises(GovernanceError) as error:
        account.confirm_totp(token, "not a code")
    assert error.value.code == "code_wrong"
