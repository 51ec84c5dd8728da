"""Server-sent events: what happens to one generation, as it happens, to whoever may read it."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest

from governance.api import events
from tests.api.site import CANARY, Site, refusal


def path(generation: str) -> str:
    return f"/v1/governance/generations/{generation}/events"


@contextmanager
def open_stream(site: Site, name: str, generation: str, **headers: str) -> Iterator[httpx.Response]:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    with site[name].stream("GET", path(generation), headers=named) as answer:
        yield answer


def told(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    """Each event's data, with its id."""
    seen: dict[str, str] = {}
    for line in answer.iter_lines():
        if line == "" and "data" in seen:
            yield {"id": int(seen["id"]), **json.loads(seen["data"])}
            seen = {}
        name, _, value = line.partition(": ")
        seen[name] = value


def heard(stack: ExitStack, site: Site, name: str, generation: str) -> Iterator[dict[str, Any]]:
    """What a stream tells that stays open as long as the stack, if the iterator is kept."""
    return told(stack.enter_context(open_stream(site, name, generation)))


def test_every_record_is_told_with_its_state_until_the_end(site: Site) -> None:
    generation = site.create()["id"]
    with open_stream(site, "agent", generation) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        heard = list(told(answer))
    records = site["auditor"].get("/v1/governance/records", params={"generation": generation})
    assert [(one["id"], one["event"], one["record"]) for one in heard] == [
        (record["seq"], record["event"], record["id"]) for record in records.json()["data"]
    ]
    assert heard[0]["event"] == "generation.requested"
    assert (heard[-1]["state"], heard[-1]["status"]) == ("released", "completed")
    assert heard[-1]["progress"] == 100
    assert CANARY not in json.dumps(heard)


def test_a_change_is_told_while_it_happens(site: Site) -> None:
    generation = waits(site)
    with open_stream(site, "agent", generation) as answer:
        stream = told(answer)
        while next(stream)["state"] != "in_review":
            continue
        site["agent"].delete(f"/v1/videos/{generation}")
        last = next(stream)
        assert (last["event"], last["state"]) == ("generation.ended", "cancelled")
        assert list(stream) == []


def test_whoever_comes_again_hears_only_what_is_new(site: Site, picture: dict[str, Any]) -> None:
    with open_stream(site, "officer", picture["id"]) as answer:
        whole = list(told(answer))
    with open_stream(site, "officer", picture["id"], last_event_id="3") as answer:
        assert list(told(answer)) == whole[4:]
    end = str(whole[-1]["id"])
    with open_stream(site, "officer", picture["id"], last_event_id=end) as answer:
        assert answer.status_code == 204


@pytest.mark.parametrize("last", ["-1", "x", "1.5", "9999999999", "١"])
def test_an_id_that_is_none_is_refused(site: Site, picture: dict[str, Any], last: str) -> None:
    answer = site["officer"].get(path(picture["id"]), headers={b"last-event-id": last.encode()})
    refusal(answer, 400, "last_event_id_invalid")


def test_only_who_may_read_a_generation_hears_of_it(site: Site, picture: dict[str, Any]) -> None:
    refusal(site["nobody"].get(path(picture["id"])), 403, "access_denied")
    refusal(site["stranger"].get(path(picture["id"])), 404, "generation_not_found")
    refusal(site["officer"].get(path("gen_1")), 404, "generation_not_found")
    assert site["visitor"].get(path(picture["id"])).status_code == 401


def test_a_caller_has_so_many_streams_and_gets_them_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MAX_EACH", 2)
    waiting = waits(site)
    with ExitStack() as stack:
        opened = [heard(stack, site, "officer", waiting) for _ in range(2)]
        assert [next(stream)["id"] for stream in opened] == [0, 0]
        answer = site["officer"].get(path(waiting))
        assert answer.status_code == 429
        assert answer.json()["error"]["code"] == "streams_open"
        assert next(heard(stack, site, "auditor", waiting))["id"] == 0
        site["agent"].delete(f"/v1/videos/{waiting}")
    deadline = time.monotonic() + 10  # until the service sees that nobody listens any more
    while (answer := site["officer"].get(path(waiting))).status_code == 429:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert list(told(answer))[-1]["state"] == "cancelled"


def test_silence_is_filled_and_long_streams_end(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEARTBEAT", 0.05)
    monkeypatch.setattr(events, "LONGEST", 0.5)
    waiting = waits(site)
    with open_stream(site, "officer", waiting) as answer:
        text = answer.read().decode()
    assert text.startswith("retry: ")
    assert text.count(": nothing yet") >= 3
    site["agent"].delete(f"/v1/videos/{waiting}")


def test_many_who_watch_are_served_by_one_look_at_a_time(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    plain = events.Watch._read_heads

    def counted(watch: events.Watch, streams: Any) -> dict[str, int]:
        looks.append(len(streams))
        return plain(watch, streams)

    monkeypatch.setattr(events.Watch, "_read_heads", counted)
    monkeypatch.setattr(events, "LOOK", 0.2)
    first, second = waits(site), waits(site)
    with ExitStack() as stack:
        streams = [
            heard(stack, site, name, one)
            for name in ("officer", "auditor", "agent")
            for one in (first, second)
        ]
        assert {next(stream)["id"] for stream in streams} == {0}
        before = len(looks)
        threading.Event().wait(1.0)
        assert 2 <= len(looks) - before <= 7
        assert max(looks) == 2
        for one in (first, second):
            site["agent"].delete(f"/v1/videos/{one}")


def waits(site: Site) -> str:
    """A picture that waits for a person."""
    made: str = site.create(audience="public", deep_fake="unknown")["id"]
    site.wait(made, "in_review")
    return made
