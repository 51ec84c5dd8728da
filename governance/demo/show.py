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
from governance.demo.orders import ACCEPTED, REFUSED, SECONDS, Order
from governance.demo.screen import Screen
from governance.demo.stage import Stage, open_stage
from governance.evidence import bundle
from governance.kernel import clock
from governance.kernel.errors import ConfigurationError

TIMEOUT = 60.0
FORGED = "evidence-forged.zip"


@dataclass(frozen=True)
class Cast:
    producer: Person
    officer: Person
    reviewers: tuple[Person, Person]
    storyboard: Agent
    social: Agent
    intern: Agent
    consent: str

    def agent(self, order: Order) -> Agent:
        """Who asks for it."""
        agent: Agent = getattr(self, order.agent)
        return agent


def run(out: Path | None) -> int:
    """Play everything into a new folder; returns 0 when the story went as it must.

    Raises ConfigurationError (`demo_folder_used`).
    """
    folder = out or Path(tempfile.mkdtemp(prefix="governance-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ConfigurationError(
            "demo_folder_used", f"{folder} is not empty; name a new folder for the demonstration."
        )
    screen = Screen()
    print(f"Governance demonstration in {folder}")
    with open_stage(folder / "data") as stage:
        screen.step(f"service on {stage.url}, simulated vendor on {stage.vendor.url}")
        players = _set_up(screen, stage, folder)
        asked = _ask(screen, stage, players)
        _review(screen, players, asked)
        _download(screen, players, asked, folder)
        _report(screen, players, folder)
        root = stage.root
    is_right = _audit(screen, folder, root)
    _close(screen, folder, root)
    return 0 if is_right else 1


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
    consent = cast.register_consent(producer, "Mara Lindqvist")
    screen.step("the producer registered the signed consent of the ambassador of the brand")
    return Cast(producer, officer, reviewers, storyboard, social, intern, consent)


def _ask(screen: Screen, stage: Stage, players: Cast) -> dict[str, str]:
    """Make all requests; returns the ids of those that were accepted."""
    screen.act("2  Six requests, each signed by its agent")
    asked: dict[str, str] = {}
    for order in ACCEPTED:
        asked[order.name] = _create(players, order)
        screen.step(f"{order.name:<10} {players.agent(order).name:<17} {order.said}")
    for order in REFUSED:
        refusal = _refused(players, order)
        screen.step(f"{order.name:<10} {players.agent(order).name:<17} {order.said}", good=False)
        screen.fact(refusal.message)
    _settle(players, asked)
    screen.act("   What policy asked for, and where they stand")
    for name, generation in asked.items():
        now = _state(players, generation)
        screen.step(f"{name:<10} {now['state']}")
        screen.fact(f"duties: {', '.join(now['duties'])}")
    lost = _state(players, asked["train"])
    posts = stage.vendor.posts(asked["train"])
    screen.fact(
        f"The order of the train was sent {posts} time; it is never repeated blindly, and "
        f"{_money(lost['held'])} stay held until a person has found out."
    )
    return asked


def _review(screen: Screen, players: Cast, asked: dict[str, str]) -> None:
    screen.act("3  People decide; nobody on their own request, nobody twice")
    left_open = {order.name for order in ACCEPTED if order.deep_fake == "unknown"}
    for name, generation in asked.items():
        for person in players.reviewers:
            now = _state(players, generation)
            if now["state"] != "in_review":
                break
            review = f"/v1/governance/reviews/{now['review']}"
            person.post(f"{review}/claim", {})
            decision = {
                "decision": "approve",
                "reason": "fit_for_release",
                "digest": now["digest"],
                "deep_fake": "no" if name in left_open else "",
                "played": {"seconds": f"{SECONDS}.0", "share": "1", "muted": False},
            }
            after = person.post(f"{review}/decision", decision)
            screen.step(f"{name:<10} {person.name} approves → {after['state']}")


def _download(screen: Screen, players: Cast, asked: dict[str, str], folder: Path) -> None:
    screen.act("4  The agents fetch what was released; independent readers found these marks")
    for order in ACCEPTED:
        now = _state(players, asked[order.name])
        if now["state"] != order.ends:
            raise RuntimeError(f"{order.name} should be {order.ends}, it is {now['state']}")
        if order.ends != "released":
            continue
        clip = folder / f"{order.name}.mp4"
        players.agent(order).client.content(asked[order.name], clip)
        present = ", ".join(kind for kind, state in now["marks"].items() if state == "present")
        screen.step(f"{clip.name:<14} {_size(clip)}  {present}")


def _report(screen: Screen, players: Cast, folder: Path) -> None:
    screen.act("5  The compliance officer issues the report")
    time.sleep(1.0)  # let the last records reach a checkpoint
    now = clock.now()
    period = {
        "from": clock.rfc3339(now - timedelta(days=1)),
        "to": clock.rfc3339(now + timedelta(days=1)),
    }
    report, evidence = folder / "report.pdf", folder / "evidence.zip"
    report.write_bytes(players.officer.fetch("/v1/governance/reports", period))
    screen.step(f"{report.name:<14} {_size(report)}  PDF/A-3 with its evidence inside")
    evidence.write_bytes(players.officer.fetch("/v1/governance/exports", {}))
    screen.step(f"{evidence.name:<14} {_size(evidence)}  the evidence alone")


def _audit(screen: Screen, folder: Path, root: str) -> bool:
    """Verify the report and a forgery; True when only the report verifies."""
    screen.act("6  The service is off. An auditor verifies the report, offline")
    good = _verify(folder / "report.pdf", root)
    screen.said(good.stdout + good.stderr)
    is_verified = good.returncode == 0
    screen.step("the report verifies", good=is_verified)

    screen.act("7  One bit is flipped in a copy of the evidence")
    bad = _verify(_forge(folder), root)
    screen.said(bad.stdout + bad.stderr)
    is_found = bad.returncode == 1 and "NOT VERIFIED" in bad.stdout
    screen.step("the forgery is found", good=is_found)
    return is_verified and is_found


def _close(screen: Screen, folder: Path, root: str) -> None:
    print(f"\nDone in {screen.seconds:.0f} s. What to look at, in {folder}\n")
    screen.entry("report.pdf", "open this first: the audit report")
    screen.entry("*.mp4", "the released clips; street and portrait carry a visible label")
    screen.entry("evidence.zip", "what the auditor verified; the report has it attached")
    screen.entry(FORGED, "the copy in which one bit is flipped")
    screen.entry("data/", "the service's database, media and keys")
    program = Path(__file__).parents[2] / "scripts" / "run"
    command = program if program.is_file() else "governance"
    print(f"\nVerify again:\n\n  {command} verify {folder}/report.pdf \\\n    --root {root}\n")


def _forge(folder: Path) -> Path:
    """A copy of the evidence with one bit of one record flipped."""
    files = bundle.unpack((folder / "evidence.zip").read_bytes())
    records = bytearray(files["records.intoto.jsonl"])
    records[len(records) // 2] ^= 1
    forged = folder / FORGED
    forged.write_bytes(bundle.pack({**files, "records.intoto.jsonl": bytes(records)}))
    return forged


def _verify(file: Path, root: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "governance", "verify", str(file), "--root", root]
    return subprocess.run(  # noqa: S603  our own program, no shell
        command, capture_output=True, text=True, encoding="utf-8", check=False
    )


def _create(players: Cast, order: Order) -> str:
    video = players.agent(order).client.create_video(
        order.prompt,
        model=order.model,
        seconds=SECONDS,
        size=order.size,
        metadata=order.metadata(players.consent),
    )
    return str(video["id"])


def _refused(players: Cast, order: Order) -> GovernanceApiError:
    try:
        _create(players, order)
    except GovernanceApiError as error:
        return error
    raise RuntimeError(f"{order.name} should have been refused")


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


def _size(file: Path) -> str:
    return f"{file.stat().st_size // 1024:>4} kB"


def _money(amount: dict[str, str] | None) -> str:
    return f"{amount['amount']} {amount['currency']}" if amount else "no money"
