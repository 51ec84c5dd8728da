"""Copies turn up elsewhere: whoever asks learns where they come from, or that nothing is known."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from governance.demo.cast import Cast
from governance.demo.releasing import MARKS
from governance.demo.screen import Screen
from governance.demo.stage import Stage
from governance.detection import statement
from governance.marking.reference import transcode

COPY = "portrait-copy.mp4"
RESULT = "portrait-copy.json"
STRANGER = "stranger.png"
HALF = Fraction(1, 2)


def recognise(
    screen: Screen, stage: Stage, players: Cast, asked: dict[str, str], folder: Path
) -> None:
    """A copy without metadata finds its record; a stranger's picture finds nothing."""
    screen.act("5  Copies turn up; anybody may ask what a file is, without an account")
    generation, copy, stranger = asked["portrait"], folder / COPY, folder / STRANGER
    transcode(folder / "portrait.mp4", copy, "video/mp4", scale=HALF)
    screen.step(f"{COPY}: encoded again, half the size, stripped of metadata and sound")
    found, signed = _detect(stage, copy)
    (folder / RESULT).write_bytes(signed)
    _require(found["verdict"]["code"] == "released", found)
    _require([one["record"] for one in found["releases"]] == [generation], found)
    screen.step(f"detect {COPY}  → {generation}")
    screen.fact(f"{found['verdict']['sentence']} {_told(found)}")
    screen.fact(f"The answer is signed; it is kept as {RESULT}.")

    Image.effect_mandelbrot((640, 480), (-2.0, -1.2, 1.0, 1.2), 100).save(stranger)
    unknown, _ = _detect(stage, stranger)
    _require(unknown["verdict"]["code"] == "nothing", unknown)
    screen.step(f"detect {STRANGER}       → nothing")
    screen.fact(unknown["verdict"]["sentence"])

    check = players.officer.send(f"/v1/governance/generations/{generation}/checks", copy)["check"]
    kept = [MARKS[mark["kind"]] for mark in check["marks"] if mark["state"] == "present"]
    screen.step(f"{players.officer.name} puts on record what the copy has kept: {', '.join(kept)}")


def _detect(stage: Stage, file: Path) -> tuple[dict[str, Any], bytes]:
    """What anybody is told, verified with nothing but the root fingerprint; the signed document."""
    answer = httpx.post(f"{stage.url}/v1/detect", content=file.read_bytes(), timeout=60)
    answer.raise_for_status()
    return statement.verify(answer.content, stage.root), answer.content


def _told(found: dict[str, Any]) -> str:
    """Which marks it still carries, and which are gone."""
    states = {mark["kind"]: mark["state"] for mark in found["marks"]}
    still = [MARKS[kind] for kind in MARKS if states.get(kind) == "present"]
    gone = [MARKS[kind] for kind in ("c2pa", "iptc") if states.get(kind) == "absent"]
    return f"Still there: {', '.join(still)}. Gone: {', '.join(gone)}."


def _require(is_so: bool, found: dict[str, Any]) -> None:
    if not is_so:
        raise RuntimeError(f"the detection went wrong: {json.dumps(found['verdict'])}")
