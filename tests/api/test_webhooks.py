"""Webhooks over HTTP: who may register them, what arrives, and what is sent again."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.api.site import CANARY, ELSEWHERE, Site, refusal
from tests.notifications.receiver import Receiver, receiving, until

WEBHOOKS = "/v1/governance/webhooks"
VIDEO: dict[str, Any] = {
    "model": "local/procedural-video",
    "prompt": f"a calm sea at dusk, {CANARY}",
    "seconds": "1",
    "size": "128x72",
    "governance": {
        "project": "launch",
        "territories": ["EU"],
        "audience": "internal",
        "deep_fake": "no",
        "real_person": "no",
    },
}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as opened:
        yield opened


def register(
    site: Site, url: str, events: list[str], name: str = "producer", **more: Any
) -> dict[str, Any]:
    site.settle()  # what other tests asked for has ended before anybody listens
    answer = site[name].post(WEBHOOKS, json={"url": url, "events": events, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def deliveries(site: Site, webhook: str) -> list[dict[str, Any]]:
    answer = site["producer"].get(f"{WEBHOOKS}/{webhook}/deliveries")
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


def test_a_released_video_is_told_and_the_official_client_believes_it(
    site: Site, receiver: Receiver
) -> None:
    made = register(site, receiver.url, ["video.completed"], project="launch")
    video = site["agent"].post("/v1/videos", json=VIDEO).json()["id"]
    (received,) = receiver.wait(1)
    client = openai.OpenAI(api_key="-", webhook_secret=made["secret"])
    event = client.webhooks.unwrap(received.body, received.headers)
    assert (event.type, event.data.id) == ("video.completed", video)  # type: ignore[union-attr]
    assert CANARY.encode() not in received.body
    until(lambda: deliveries(site, made["id"])[0]["state"] == "delivered")
    (told,) = deliveries(site, made["id"])
    assert (told["id"], told["generation"]) == (received.headers["webhook-id"], video)
    assert [attempt["status"] for attempt in told["attempts"]] == [200]
    site["producer"].delete(f"{WEBHOOKS}/{made['id']}")


def test_people_are_called_to_a_review_and_a_withdrawn_video_is_told(
    site: Site, receiver: Receiver
) -> None:
    made = register(site, receiver.url, ["review.required", "video.failed"])
    open_question = {**VIDEO["governance"], "audience": "public", "deep_fake": "unknown"}
    body = {**VIDEO, "governance": open_question}
    video = site["agent"].post("/v1/videos", json=body).json()["id"]
    called = json.loads(receiver.wait(1)[0].body)
    assert (called["type"], called["data"]["id"]) == ("review.required", video)
    review = site["officer"].get(f"/v1/videos/{video}").json()["governance"]["review"]
    assert called["governance"] | {"records": 0} == {
        "organisation": "default",
        "project": "launch",
        "media": "video",
        "state": "in_review",
        "records": 0,
        "stage": "review",
        "review": review,
    }
    site["agent"].delete(f"/v1/videos/{video}")
    received = receiver.wait(2)[1]
    client = openai.OpenAI(api_key="-", webhook_secret=made["secret"])
    event = client.webhooks.unwrap(received.body, received.headers)
    assert (event.type, event.data.id) == ("video.failed", video)  # type: ignore[union-attr]
    site["producer"].delete(f"{WEBHOOKS}/{made['id']}")


def test_every_change_is_on_record_and_the_secret_is_shown_once(
    site: Site, receiver: Receiver
) -> None:
    with site.recorded("webhook.changed"):
        made = register(site, receiver.url, ["review.required"])
    assert made["secret"].startswith("whsec_")
    shown = site["producer"].get(f"{WEBHOOKS}/{made['id']}")
    assert made["secret"] not in shown.text + site["producer"].get(WEBHOOKS).text
    assert shown.json()["url"] == receiver.url
    with site.recorded("webhook.changed"):
        assert site["producer"].delete(f"{WEBHOOKS}/{made['id']}").status_code == 200
    refusal(site["producer"].get(f"{WEBHOOKS}/{made['id']}"), 404, "webhook_unknown")


def test_what_never_arrived_is_sent_again_on_demand(site: Site, receiver: Receiver) -> None:
    made = register(site, receiver.url, ["generation.released"])
    site.released()
    (first,) = receiver.wait(1)
    until(lambda: deliveries(site, made["id"])[0]["state"] == "delivered")
    message = deliveries(site, made["id"])[0]["id"]
    answer = site["producer"].post(f"{WEBHOOKS}/{made['id']}/replay", json={"delivery": message})
    assert answer.json()["replayed"] == 1
    again = receiver.wait(2)[1]
    assert again.body == first.body
    assert again.headers["webhook-id"] == first.headers["webhook-id"]
    path = f"{WEBHOOKS}/{made['id']}/replay"
    refusal(site["producer"].post(path, json={"delivery": "evt_1"}), 404, "delivery_unknown")
    assert site["producer"].post(path, json={}).json()["replayed"] == 0
    site["producer"].delete(f"{WEBHOOKS}/{made['id']}")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"url": "http://example.com/hook"}, "webhook_url_invalid"),
        ({"url": "https://10.0.0.1/hook"}, "webhook_address_private"),
        ({"url": "https://169.254.169.254/latest/meta-data"}, "webhook_address_private"),
        ({"url": "https://localhost/hook"}, "webhook_address_private"),
        ({"events": ["video.started"]}, "webhook_events_invalid"),
        ({"events": []}, "request_invalid"),
        ({"project": "No Such"}, "request_invalid"),
        ({"secret": "mine"}, "request_invalid"),
    ],
)
def test_a_wrong_field_is_refused(site: Site, changes: dict[str, Any], code: str) -> None:
    body = {"url": "https://127.0.0.1:9/hook", "events": ["video.failed"], **changes}
    with site.recorded():
        refusal(site["producer"].post(WEBHOOKS, json=body), 400, code)


def test_nobody_reaches_the_webhooks_of_another_organisation(
    site: Site, receiver: Receiver
) -> None:
    site.hire("outsider", "administrator", organisation=ELSEWHERE)
    made = register(site, receiver.url, ["video.failed"])
    for method, path in (
        ("GET", ""),
        ("DELETE", ""),
        ("POST", "/enable"),
        ("GET", "/deliveries"),
    ):
        answer = site["outsider"].request(method, f"{WEBHOOKS}/{made['id']}{path}")
        refusal(answer, 404, "webhook_unknown")
    assert site["outsider"].get(WEBHOOKS).json()["data"] == []
    site["producer"].delete(f"{WEBHOOKS}/{made['id']}")


def test_whoever_works_in_one_project_has_the_webhooks_of_that_one(
    site: Site, receiver: Receiver
) -> None:
    site.hire("freelance")
    site.grant(site.principals["freelance"].id, "producer", project="launch")
    wide = register(site, receiver.url, ["video.failed"])
    own = register(site, receiver.url, ["video.failed"], "freelance", project="launch")
    seen = [one["id"] for one in site["freelance"].get(WEBHOOKS).json()["data"]]
    assert own["id"] in seen
    assert wide["id"] not in seen
    refusal(site["freelance"].get(f"{WEBHOOKS}/{wide['id']}"), 404, "webhook_unknown")
    body = {"url": receiver.url, "events": ["video.failed"], "project": "other"}
    refusal(site["freelance"].post(WEBHOOKS, json=body), 403, "access_denied")
    for made in (wide, own):
        site["producer"].delete(f"{WEBHOOKS}/{made['id']}")


def test_a_disabled_webhook_is_enabled_by_its_people(site: Site, receiver: Receiver) -> None:
    site.settle()  # what other tests asked for ends before it is listened to
    receiver.answers = [410]
    made = register(site, receiver.url, ["generation.released"])
    site.released()
    path = f"{WEBHOOKS}/{made['id']}"
    until(lambda: site["producer"].get(path).json()["state"] == "disabled")
    assert site["producer"].get(path).json()["failing_since"]
    with site.recorded("webhook.changed"):
        assert site["producer"].post(f"{path}/enable").json()["state"] == "active"
    refusal(site["producer"].post(f"{path}/enable"), 409, "webhook_state")
    site["producer"].delete(path)
