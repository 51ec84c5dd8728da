"""Orders whose outcome nobody knows, over HTTP."""

from tests.api.site import Site, refusal

OUTCOMES = "/v1/governance/outcomes"
CLIP = {
    "media": "video",
    "model": "self/wan2.2-a14b",
    "prompt": "[[500]]",
    "seconds": 1,
    "size": "128x64",
    "governance": {
        "project": "launch",
        "territories": ["EU"],
        "audience": "internal",
        "deep_fake": "no",
        "real_person": "no",
    },
}


def test_the_officer_sees_it_and_says_what_became_of_it(site: Site) -> None:
    made = site["agent"].post("/v1/governance/generations", json=CLIP).json()["id"]
    site.wait(made, "unknown")
    (listed,) = [o for o in site["officer"].get(OUTCOMES).json()["data"] if o["id"] == made]
    assert (listed["key"], listed["provider"]) == (made, "openai-videos")
    assert listed["held"]["amount"]
    told = {"outcome": "lost", "reason": "vendor_support", "cost": "0.05"}
    without = site["officer"].post(f"{OUTCOMES}/{made}", json={**told, "cost": None})
    refusal(without, 400, "resolution_invalid")
    with site.recorded("provider.resolved"):
        answer = site["officer"].post(f"{OUTCOMES}/{made}", json=told)
    assert answer.json() == {"id": made, "object": "outcome", "state": "failed"}
    video = site["officer"].get(f"/v1/videos/{made}").json()
    assert video["governance"]["cost"] == {"amount": "0.05", "currency": "USD"}
    assert all(o["id"] != made for o in site["officer"].get(OUTCOMES).json()["data"])
    refusal(site["officer"].post(f"{OUTCOMES}/{made}", json=told), 409, "not_unknown")


def test_what_was_withdrawn_while_its_vendor_went_on_is_listed_with_its_job(site: Site) -> None:
    body = {**CLIP, "prompt": "[[garbage]] [[no-cancel]]"}
    made = site["agent"].post("/v1/governance/generations", json=body).json()["id"]
    site.wait(made, "generating")
    assert site["agent"].delete(f"/v1/videos/{made}").status_code == 200
    (listed,) = [o for o in site["officer"].get(OUTCOMES).json()["data"] if o["id"] == made]
    assert (listed["state"], listed["reason"]) == ("cancelled", "by_requester")
    assert listed["job"].startswith("video_")
    told = {"outcome": "not_ordered", "reason": "vendor_console"}
    answer = site["officer"].post(f"{OUTCOMES}/{made}", json=told)
    assert answer.json() == {"id": made, "object": "outcome", "state": "cancelled"}
    assert all(o["id"] != made for o in site["officer"].get(OUTCOMES).json()["data"])


def test_whoever_asked_does_not_say_what_it_cost(site: Site) -> None:
    made = site["agent"].post("/v1/governance/generations", json=CLIP).json()["id"]
    site.wait(made, "unknown")
    told = {"outcome": "not_ordered", "reason": "vendor_console"}
    for caller in ("agent", "producer"):
        assert site[caller].post(f"{OUTCOMES}/{made}", json=told).status_code == 403
