"""Administration on the command line: people, keys and roles of a data folder."""

import base64
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from governance.cli import main
from governance.cli.data import published
from governance.identity import people, totp
from governance.kernel import clock

Run = Callable[..., str]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("administration") / "data"
    main(["init", "--data", str(folder)])
    main(["people", "add", "paula", "--name", "Paula Winter", "--role", "producer",
          "--data", str(folder)])  # fmt: skip
    return folder


@pytest.fixture
def run(data: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command on the folder; what it prints, be it its result or why it was refused."""

    def command(*arguments: str, fails: bool = False) -> str:
        assert main([*arguments, "--data", str(data)]) == (1 if fails else 0)
        printed = capsys.readouterr()
        return printed.err if fails else printed.out

    return command


def test_people_are_added_listed_suspended_resumed_and_revoked(run: Run) -> None:
    made = run("people", "add", "leo", "--name", "Leo Brand", "--role", "reviewer")
    assert "One-time password" in made
    for command, state in (("suspend", "suspended"), ("resume", "active"), ("revoke", "revoked")):
        run("people", command, "leo")
        assert re.search(rf"usr_\w+  {state} +leo  Leo Brand", run("people", "list"))
    assert "cannot become" in run("people", "resume", "leo", fails=True)
    assert "Nobody has" in run("people", "suspend", "nobody", fails=True)


def test_a_password_is_reset(run: Run) -> None:
    assert re.search(r"One-time password.*: \S{16,}", run("people", "reset-password", "paula"))


def test_a_lost_authenticator_app_is_taken_back(run: Run, data: Path) -> None:
    assert "No authenticator app" in run("people", "reset-app", "paula", fails=True)
    with published(data) as context:
        with context.database.read() as session:
            paula = people.person_by_username(session, "paula").id
        secret = context.database.write(lambda c: totp.begin(c, context.ledger, paula))
        step = int(clock.now().timestamp()) // totp.STEP
        code = totp.code_at(base64.b32decode(secret), step)
        context.database.write(lambda c: totp.confirm(c, context.ledger, paula, code))
    assert "password alone" in run("people", "reset-app", "paula")
    assert "No authenticator app" in run("people", "reset-app", "paula", fails=True)


def test_the_last_administrator_stays(run: Run) -> None:
    assert "make another one first" in run("people", "suspend", "admin", fails=True)
    refused = run("roles", "revoke", "admin", "administrator", fails=True)
    assert "last administrator" in refused


def test_keys_are_made_listed_and_revoked(run: Run) -> None:
    made = run("keys", "add", "render", "--accountable", "paula", "--scope", "generation:create")
    service, key = re.findall(r"(svc_\w+)|(gk_\S+)", made)
    assert key[1][-43:] not in run("keys", "list")
    assert re.search(rf"{service[0]}  active .*render  generation:create", run("keys", "list"))
    run("keys", "revoke", service[0])
    assert re.search(rf"{service[0]}  revoked", run("keys", "list"))
    assert "no service" in run("keys", "revoke", "svc_1", fails=True)


def test_roles_are_granted_listed_and_revoked(run: Run) -> None:
    run("roles", "grant", "paula", "auditor", "--project", "film")
    listed = run("roles", "list")
    assert "review:decide (is_person)" in listed
    assert re.search(r"held by usr_\w+ in org/default/project/film", listed)
    run("roles", "revoke", "paula", "auditor", "--project", "film")
    assert "project/film" not in run("roles", "list")
    assert "no role" in run("roles", "grant", "paula", "king", fails=True)
    assert "Nobody of" in run("roles", "grant", "agt_" + "0" * 32, "agent", fails=True)


def test_a_role_of_ones_own_is_defined_granted_and_removed(run: Run) -> None:
    allow = ("--allow", "review:read", "--allow", "review:claim:is_person")
    assert run("roles", "define", "night_desk", *allow).strip() == "role:default.night_desk"
    run("roles", "grant", "paula", "night_desk")
    assert "default.night_desk" in run("roles", "list")
    assert "take it back first" in run("roles", "remove", "night_desk", fails=True)
    run("roles", "revoke", "paula", "night_desk")
    run("roles", "remove", "night_desk")
    assert "night_desk" not in run("roles", "list")


@pytest.mark.parametrize("allow", ["review:decide", "role:manage:is_person", "review", "a:b:c:d"])
def test_a_role_that_would_allow_too_much_is_refused(run: Run, allow: str) -> None:
    run("roles", "define", "night_desk", "--allow", allow, fails=True)
    assert "night_desk" not in run("roles", "list")
