"""The play: three agents, six requests, two reviewers, a report, a distrustful auditor."""

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from governance.client.client import GovernanceApiError
from governance.demo import cast
from governance.demo.cast import Agent, Person
from governance.demo.screen import Screen
from governance.demo.stage import Stage, open_stage
from governance.evidence import bundle
from governance.kernel import clock

PROJECT = "spring-campaign"
VENDOR_MODEL = "self/wan2.2-a14b"
LOCAL_MODEL = "local/procedural-video"
TIMEOUT = 60.0


@dataclass(frozen=True)
class Cast:
    producer: Person
    officer: Person
    reviewers: tuple[Person, Person]
    storyboard: Agent
    social: Agent
    intern: Agent


def run(out: Path | None) -> int:
    """Play everything; returns 0 when the story went as it must."""
    folder = out or Path(tempfile.mkdtemp(prefix="governance-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    screen = Screen()
    print(f"Governance demonstration in {folder}")
    with open_stage(folder / "data") as stage:
        screen.step(f"service on {stage.url}, simulated vendor on {stage.vendor.url}")
        players = _set_up(screen, stage, folder)
        asked = _ask(screen, stage, players)
        _review(screen, players, asked)
        clips = _download(screen, players, asked, folder)
        report, evidence = _report(screen, players, folder)
        root = stage.root
    verified = _audit(screen, report, evidence, root)
    print("\nResults")
    for path in (report, evidence, *clips):
        print(f"  {path}")
    print(f"\n  governance verify {report} --root {root}")
    print(f"\nDone in {screen.seconds:.0f} s.")
    return 0 if verified else 1


def _set_up(screen: Screen, stage: Stage, folder: Path) -> Cast:
    screen.act("1  People and agents")
    admin = cast.administrator(stage)
    producer = cast.hire(stage, admin, "Paula Winter", "producer")
    officer = cast.hire(stage, admin, "Otto Brandt", "compliance_officer")
    reviewers = (
        cast.hire(stage, admin, "Rita Sommer", "reviewer"),
        cast.hire(stage, admin, "Robin Falk", "reviewer"),
    )
    screen.step("administrator, producer, compliance officer and two reviewers signed in")
    keys = folder / "agent-keys"
    keys.mkdir()
    storyboard = cast.register(stage, admin, "storyboard-agent", producer, keys, "agent")
    social = cast.register(stage, admin, "social-agent", producer, keys, "agent")
    intern = cast.register(stage, admin, "intern-agent", producer, keys, None)
    screen.step("three agents registered their own keys; Paula Winter answers for all of them")
    return Cast(producer, officer, reviewers, storyboard, social, intern)


def _ask(screen: Screen, stage: Stage, players: Cast) -> dict[str, str]:
    screen.act("2  Six requests, each signed by its agent")
    plain = {"deep_fake": "no", "real_person": "no"}
    asked: dict[str, str] = {}

    asked["coast"] = _create(
        players.storyboard, "A lighthouse above a calm sea at dusk, slow drift", LOCAL_MODEL, plain
    )
    screen.step("storyboard-agent: a coast at dusk, made on this machine → permitted")

    unsure = {"deep_fake": "unknown", "real_person": "no"}
    asked["street"] = _create(
        players.social, "A rainy street with neon signs, handheld camera", VENDOR_MODEL, unsure
    )
    screen.step("social-agent: a street, made by the vendor; deep fake unknown → label and review")

    consented = {"deep_fake": "yes", "real_person": "yes", "consent": "consent-2026-014"}
    asked["portrait"] = _create(
        players.storyboard, "The ambassador of the brand greets the viewer", LOCAL_MODEL, consented
    )
    screen.step("storyboard-agent: a real person, with consent → two people must approve")

    asked["lost"] = _create(
        players.social, "A train crossing a viaduct [[drop]]", VENDOR_MODEL, plain
    )
    screen.step("social-agent: a train; the vendor's answer will be lost on the way")

    denied = _refused(
        players.social,
        "The ambassador of the brand at breakfast",
        {"deep_fake": "yes", "real_person": "yes"},
    )
    screen.step("social-agent: a real person without consent → denied by rule", "✗")
    screen.fact(denied.message)

    denied = _refused(players.intern, "A forest in the morning mist", plain)
    screen.step("intern-agent: has no role → denied, and the refusal is on record", "✗")
    screen.fact(denied.message)

    _settle(players, asked)
    for name, generation in asked.items():
        screen.step(f"{name}: {_state(players, generation)['state']}")
    lost = _state(players, asked["lost"])
    posts = stage.vendor.posts(asked["lost"])
    screen.fact(f"the lost order was sent {posts} time(s); {_money(lost['held'])} stay held")
    return asked


def _review(screen: Screen, players: Cast, asked: dict[str, str]) -> None:
    screen.act("3  People decide")
    for name in ("coast", "street", "portrait"):
        for person in players.reviewers:
            governance = _state(players, asked[name])
            if governance["state"] != "in_review":
                break
            review = f"/v1/governance/reviews/{governance['review']}"
            person.post(f"{review}/claim", {})
            after = person.post(
                f"{review}/decision",
                {
                    "decision": "approve",
                    "reason": "fit_for_release",
                    "digest": governance["digest"],
                    "played": {"seconds": "2.0", "share": "1", "muted": False},
                },
            )
            screen.step(f"{person.name} saw and approved {name} → {after['state']}")


def _download(screen: Screen, players: Cast, asked: dict[str, str], folder: Path) -> list[Path]:
    screen.act("4  Released files")
    clips = []
    for name in ("coast", "street", "portrait"):
        clip = _owner(players, name).client.content(asked[name], folder / f"{name}.mp4")
        marks = _state(players, asked[name])["marks"]
        present = ", ".join(kind for kind, state in marks.items() if state == "present")
        screen.step(f"{clip.name}, {clip.stat().st_size // 1024} kB; read back: {present}")
        clips.append(clip)
    return clips


def _report(screen: Screen, players: Cast, folder: Path) -> tuple[Path, Path]:
    screen.act("5  The compliance officer issues the report")
    time.sleep(1.0)  # let the last records reach a checkpoint
    now = clock.now()
    body = {
        "from": clock.rfc3339(now - timedelta(days=1)),
        "to": clock.rfc3339(now + timedelta(days=1)),
    }
    report = folder / "report.pdf"
    report.write_bytes(players.officer.fetch("/v1/governance/reports", body))
    screen.step(f"{report.name}, {report.stat().st_size // 1024} kB, its evidence inside")
    evidence = folder / "evidence.zip"
    evidence.write_bytes(players.officer.fetch("/v1/governance/exports", {}))
    screen.step(f"{evidence.name}, {evidence.stat().st_size // 1024} kB")
    return report, evidence


def _audit(screen: Screen, report: Path, evidence: Path, root: str) -> bool:
    screen.act("6  The service is off. The auditor verifies, offline")
    good = _verify(report, root)
    print(good.stdout, flush=True)
    screen.step("the report verifies", "✓" if good.returncode == 0 else "✗")
    forged = evidence.with_name("evidence-forged.zip")
    files = bundle.unpack(evidence.read_bytes())
    records = bytearray(files["records.intoto.jsonl"])
    records[len(records) // 2] ^= 1
    forged.write_bytes(bundle.pack({**files, "records.intoto.jsonl": bytes(records)}))
    screen.act("7  One bit is flipped in a copy of the evidence")
    bad = _verify(forged, root)
    print(bad.stdout, flush=True)
    screen.step("the forgery is found", "✓" if bad.returncode == 1 else "✗")
    return good.returncode == 0 and bad.returncode == 1


def _verify(file: Path, root: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "governance", "verify", str(file), "--root", root]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603


def _create(agent: Agent, prompt: str, model: str, declared: dict[str, str]) -> str:
    video = agent.client.create_video(
        prompt,
        model=model,
        seconds=2,
        size="832x480" if model == VENDOR_MODEL else "640x360",
        metadata={"project": PROJECT, "territories": "EU", **declared},
    )
    return str(video["id"])


def _refused(agent: Agent, prompt: str, declared: dict[str, str]) -> GovernanceApiError:
    try:
        _create(agent, prompt, LOCAL_MODEL, declared)
    except GovernanceApiError as error:
        return error
    raise RuntimeError("this request should have been refused")


def _settle(players: Cast, asked: dict[str, str]) -> None:
    """Wait until every request waits for a person or has ended."""
    deadline = time.monotonic() + TIMEOUT
    resting = {"in_review", "released", "unknown", "failed", "withheld"}
    for generation in asked.values():
        while _state(players, generation)["state"] not in resting:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{generation} did not settle")
            time.sleep(0.2)


def _state(players: Cast, generation: str) -> dict[str, Any]:
    video = players.officer.get(f"/v1/videos/{generation}")
    governance: dict[str, Any] = video["governance"]
    return governance


def _owner(players: Cast, name: str) -> Agent:
    return players.social if name in ("street", "lost") else players.storyboard


def _money(amount: dict[str, str] | None) -> str:
    return f"{amount['amount']} {amount['currency']}" if amount else "no money"
