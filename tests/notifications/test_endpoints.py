"""Webhooks: whose they are, what is recorded of them, and that their secrets stay sealed."""

import pytest

from governance.kernel.errors import Conflict, InvalidRequest, NotFound
from governance.notifications import endpoints
from governance.notifications.tables import Webhook
from tests.notifications.conftest import Office


def find(office: Office, webhook: str, organisation: str = "acme", *projects: str) -> Webhook:
    with office.database.read() as session:
        return endpoints.find(session, webhook, organisation, projects or None)


def test_every_change_is_on_record_with_the_host_alone(office: Office) -> None:
    made = office.register("https://hooks.test:8443/a/T0KEN?key=1", project="film")
    own = {"organisation": "acme", "by": office.by}
    office.write(lambda c: endpoints.disable(c, office.ledger, made.id))
    office.write(lambda c: endpoints.enable(c, office.ledger, made.id, **own))
    office.write(lambda c: endpoints.remove(c, office.ledger, made.id, **own))
    records = office.records()
    told = [(r.event, r.body["action"], r.body["by"]) for r in records]
    assert told == [
        ("webhook.changed", "registered", office.by),
        ("webhook.changed", "disabled", "service"),
        ("webhook.changed", "enabled", office.by),
        ("webhook.changed", "removed", office.by),
    ]
    assert {r.body["host"] for r in records} == {"hooks.test"}
    assert not any(b"T0KEN" in r.line or made.secret.encode() in r.line for r in records)


def test_the_secret_lies_sealed_and_goes_with_its_webhook(office: Office) -> None:
    made = office.register()
    sealed = office.webhook(made.id).secret
    assert made.secret.encode() not in sealed
    assert office.sealer.open(sealed, made.id).decode() == made.secret
    office.write(
        lambda c: endpoints.remove(c, office.ledger, made.id, organisation="acme", by=office.by)
    )
    assert office.webhook(made.id).secret == b""


def test_only_its_own_organisation_and_project_find_a_webhook(office: Office) -> None:
    wide, narrow = office.register().id, office.register(project="film").id
    assert find(office, wide).id == wide
    assert find(office, narrow, "acme", "film").id == narrow
    for webhook, organisation, projects in (
        (wide, "elsewhere", ()),
        (narrow, "acme", ("other",)),
        (wide, "acme", ("film",)),
        ("whk_1", "acme", ()),
    ):
        with pytest.raises(NotFound):
            find(office, webhook, organisation, *projects)
    with office.database.read() as session:
        assert len(endpoints.list_webhooks(session, "acme", None)) == 2
        assert [w.id for w in endpoints.list_webhooks(session, "acme", ["film"])] == [narrow]
        assert endpoints.list_webhooks(session, "elsewhere", None) == []


def test_a_removed_webhook_is_gone(office: Office) -> None:
    webhook, own = office.register().id, {"organisation": "acme", "by": office.by}
    office.write(lambda c: endpoints.remove(c, office.ledger, webhook, **own))
    with pytest.raises(NotFound):
        find(office, webhook)
    for change in (endpoints.remove, endpoints.enable):
        with pytest.raises(NotFound):
            office.write(lambda c, change=change: change(c, office.ledger, webhook, **own))  # type: ignore[misc]


def test_only_a_disabled_webhook_is_enabled(office: Office) -> None:
    webhook = office.register().id
    with pytest.raises(Conflict):
        office.write(
            lambda c: endpoints.enable(c, office.ledger, webhook, organisation="acme", by=office.by)
        )


@pytest.mark.parametrize("events", [(), ("video.started",), ("video.completed", "all")])
def test_an_event_that_there_is_not_is_refused(office: Office, events: tuple[str, ...]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        office.register(events=events)
    assert refused.value.code == "webhook_events_invalid"
    assert office.records() == []


def test_there_is_an_end_to_their_number(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "MAX_WEBHOOKS", 2)
    first = office.register().id
    office.register()
    with pytest.raises(Conflict):
        office.register()
    office.register(organisation="elsewhere")
    office.write(
        lambda c: endpoints.remove(c, office.ledger, first, organisation="acme", by=office.by)
    )
    office.register()
