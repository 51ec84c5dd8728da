"""The courier against real receivers: signatures that hold, retries, and addresses that do not."""

import base64
import hashlib
import hmac
import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from governance.notifications import addresses, delivery
from governance.notifications.tables import Notification
from tests.notifications.conftest import Office
from tests.notifications.receiver import Received, Receiver, receiving, until
from tests.notifications.tls import contexts


def hurry(office: Office) -> None:
    """Let the next attempt be due now."""
    due = update(Notification).where(Notification.state == "pending")  # type: ignore[arg-type]
    office.write(lambda c: c.execute(due.values(due_at=Notification.began_at)))


def is_signed(received: Received, secret: str) -> bool:
    headers = received.headers
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + received.body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return headers["webhook-signature"] == f"v1,{expected}"


def test_a_message_arrives_signed_once(office: Office) -> None:
    with receiving() as receiver:
        made = office.register(receiver.url, events=["video.completed"])
        generation = office.tell()
        with office.courier():
            (received,) = receiver.wait(1)
            until(lambda: office.messages(made.id)[0].state == "delivered")
    assert is_signed(received, made.secret)
    assert received.path == "/hooks"
    assert received.headers["content-type"] == "application/json"
    told = json.loads(received.body)
    assert (told["id"], told["data"]["id"]) == (received.headers["webhook-id"], generation)
    (attempt,) = office.attempts(made.id)
    assert (attempt.status, attempt.fault) == (200, None)
    assert len(receiver.received) == 1


def test_what_fails_is_sent_again_under_the_same_id(office: Office) -> None:
    with receiving() as receiver:
        receiver.answers = [500, 302]
        made = office.register(receiver.url, events=["video.completed"])
        office.tell()
        with office.courier():
            for count in (1, 2):
                until(lambda count=count: len(office.attempts(made.id)) == count)  # type: ignore[misc]
                hurry(office)
            until(lambda: office.messages(made.id)[0].state == "delivered")
    assert [one.status for one in office.attempts(made.id)] == [500, 302, 200]
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 1
    assert len({one.body for one in receiver.received}) == 1
    assert office.webhook(made.id).failing_since is None


def test_a_redirect_is_followed_nowhere(office: Office) -> None:
    with receiving() as receiver:
        receiver.answers = [307]
        made = office.register(receiver.url, events=["video.completed"])
        office.tell()
        with office.courier():
            until(lambda: len(office.attempts(made.id)) == 1)
    assert [one.path for one in receiver.received] == ["/hooks"]


def test_nothing_of_an_answer_is_kept_but_its_status(office: Office) -> None:
    with receiving() as receiver:
        made = office.register(receiver.url, events=["video.completed"])
        office.tell()
        with office.courier():
            until(lambda: len(office.attempts(made.id)) == 1)
    (attempt,) = office.attempts(made.id)
    assert "secret" not in str(attempt)


def test_a_name_that_leads_into_the_private_network_is_never_called(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as receiver:
        lead(monkeypatch, "127.0.0.1")
        made = office.register(f"https://evil.test:{port(receiver)}/", events=["video.completed"])
        office.tell()
        with office.courier():
            until(lambda: len(office.attempts(made.id)) == 1)
    assert [one.fault for one in office.attempts(made.id)] == ["webhook_address_private"]
    assert receiver.received == []


def test_the_connection_goes_to_the_checked_address_with_the_hosts_own_certificate(
    office: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server, client = contexts(tmp_path, "hooks.test")
    with receiving(server, "hooks.test") as receiver:
        lead(monkeypatch, "127.0.0.1")
        made = office.register(receiver.url, events=["video.completed"])
        office.tell()
        with office.courier(tls=client):
            (received,) = receiver.wait(1)
    assert received.headers["host"] == f"hooks.test:{port(receiver)}"
    assert is_signed(received, made.secret)


def test_a_certificate_for_another_host_is_not_taken(
    office: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server, client = contexts(tmp_path, "other.test")
    with receiving(server, "hooks.test") as receiver:
        lead(monkeypatch, "127.0.0.1")
        made = office.register(receiver.url, events=["video.completed"])
        office.tell()
        with office.courier(tls=client):
            until(lambda: len(office.attempts(made.id)) == 1)
    assert [one.fault for one in office.attempts(made.id)] == ["connection_failed"]
    assert receiver.received == []


def test_a_receiver_that_does_not_answer_is_cut_off_and_holds_up_nobody(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "TIMEOUT", 1.0)
    with receiving() as slow, receiving() as quick:
        slow.slow = threading.Event()
        dead = office.register(slow.url, events=["video.completed"]).id
        for _ in range(delivery.AT_ONCE + 5):
            office.tell()
        office.register(quick.url, events=["video.failed"])
        office.tell("withheld")  # type: ignore[arg-type]
        with office.courier():
            quick.wait(1)
            assert office.attempts(dead) == []
            until(lambda: len(office.attempts(dead)) >= delivery.AT_ONCE_EACH)
    assert {one.fault for one in office.attempts(dead)} == {"no_answer_in_time"}


def test_one_organisation_s_slow_receivers_hold_up_no_other_s(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "TIMEOUT", 1.0)
    hooks = delivery.AT_ONCE // delivery.AT_ONCE_EACH
    with receiving() as slow, receiving() as quick:
        slow.slow = threading.Event()
        dead = [office.register(slow.url, events=["video.completed"]).id for _ in range(hooks)]
        for _ in range(delivery.AT_ONCE_EACH):
            office.tell()
        office.register(quick.url, organisation="other")
        office.tell(organisation="other")
        with office.courier():
            quick.wait(1)
            assert [office.attempts(hook) for hook in dead] == [[]] * hooks


def test_what_a_strange_address_does_to_the_libraries_is_an_attempt_too(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def strange(*_: Any) -> str:
        raise OverflowError

    monkeypatch.setattr(addresses, "resolve", strange)
    made = office.register(events=["video.completed"])
    office.tell()
    with office.courier():
        until(lambda: len(office.attempts(made.id)) == 1)
    assert [one.fault for one in office.attempts(made.id)] == ["connection_failed"]


def test_nobody_at_the_address_is_a_failure_like_any_other(office: Office) -> None:
    with receiving() as receiver:
        url = receiver.url
    made = office.register(url, events=["video.completed"])
    office.tell()
    with office.courier():
        until(lambda: len(office.attempts(made.id)) == 1)
    assert [one.fault for one in office.attempts(made.id)] == ["connection_failed"]


def port(receiver: Receiver) -> int:
    return int(receiver.url.rsplit(":", 1)[1].partition("/")[0])


def lead(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Let every name under `.test` lead to an address."""
    plain = socket.getaddrinfo

    def answer(host: Any, number: Any, *rest: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        return plain(address if str(name).endswith(".test") else name, number, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
