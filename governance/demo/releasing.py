"""People decide, files are handed out; a kill switch stops even those that were released."""

from functools import partial
from pathlib import Path

from governance.demo.cast import Cast, code, refused
from governance.demo.orders import ACCEPTED, RELEASED, VENDOR_MODEL, Order
from governance.demo.screen import Screen, size

MARKS = {
    "label": "label",
    "watermark": "watermark",
    "c2pa": "C2PA",
    "iptc": "XMP",
    "aigc": "AIGC",
    "fingerprint": "fingerprint",
}


def review(screen: Screen, players: Cast, asked: dict[str, str]) -> None:
    """Two reviewers clear the queue."""
    screen.act("3  People decide; nobody on their own request, nobody twice")
    for order in RELEASED:
        if players.state(asked[order.name])["state"] == "released":
            screen.step(f"{order.name:<10} nothing asks for a person → released")
        for person in players.reviewers:
            now = players.state(asked[order.name])
            if now["state"] != "in_review":
                break
            found = f"/v1/governance/reviews/{now['review']}"
            person.post(f"{found}/claim", {})
            decision = {
                "decision": "approve",
                "reason": "fit_for_release",
                "digest": now["digest"],
                "deep_fake": "no" if order.deep_fake == "unknown" else "",
                "played": {"seconds": f"{order.seconds}.0", "share": "1", "muted": False},
            }
            after = person.post(f"{found}/decision", decision)
            screen.step(f"{order.name:<10} {person.name} approves → {after['state']}")


def download(screen: Screen, players: Cast, asked: dict[str, str], folder: Path) -> None:
    """Every agent fetches its own; what was read back in each file is told with it."""
    screen.act("4  A kill switch; then the agents fetch what was released, with its marks")
    _throw_and_lift(screen, players, asked["street"], folder)
    for order in ACCEPTED:
        now = players.state(asked[order.name])
        if now["state"] != order.ends:
            raise RuntimeError(f"{order.name} should be {order.ends}, it is {now['state']}")
    for order in RELEASED:
        _fetch(screen, players, order, asked[order.name], folder / order.file)
    screen.fact(
        "Each mark was written and then found again in the finished file, or it would not have "
        "been released. The label is for people; the watermark is in the picture or the sound "
        "itself; C2PA, XMP and China's AIGC lie beside it; the fingerprint stays here."
    )


def _fetch(screen: Screen, players: Cast, order: Order, generation: str, file: Path) -> None:
    players.agent(order).client.content(generation, file)
    marks = players.state(generation)["marks"]
    present = ", ".join(name for kind, name in MARKS.items() if marks.get(kind) == "present")
    screen.step(f"{file.name:<14} {size(file)}  {present}")


def _throw_and_lift(screen: Screen, players: Cast, made_by_it: str, folder: Path) -> None:
    """The vendor's model is stopped for as long as it takes to see that it is."""
    switch, officer = {"scope": f"model:{VENDOR_MODEL}"}, players.officer
    officer.post("/v1/governance/switches", {**switch, "reason": "exercise"})
    fetch = partial(players.social.client.content, made_by_it, folder / "street.mp4")
    stopped = code(refused("stopped", fetch))
    officer.post("/v1/governance/switches/lift", {**switch, "reason": "resolved"})
    screen.step(f"{officer.name} stops {VENDOR_MODEL}: fetching its clip → {stopped}; lifts it")
