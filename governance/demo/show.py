"""The play: four agents, seven requests, two reviewers, a report, a distrustful auditor."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from governance.client.client import GovernanceApiError
from governance.demo import cast
from governance.demo.audit import FORGED, audit
from governance.demo.cast import Agent, Person
from governance.demo.orders import ACCEPTED, REFUSED, SECONDS, VENDOR_MODEL, Order
from governance.demo.screen import Screen
from governance.demo.stage import Stage, open_stage
from governance.kernel import clock
from governance.kernel.errors import ConfigurationError

TIMEOUT = 120.0
RESTING = {"in_review", "released", "unknown", "failed", "withheld"}
EXPLAINED = 11  # sentences of a decision, of which the last names what decided
RECEIPT = "coast.receipt.jsonl"


@dataclass(frozen=True)
class Cast:
    admin: Person
    producer: Person
    officer: Person
    reviewers: tuple[Person, Person]
    storyboard: Agent
    colour: Agent
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
        asked = _ask(screen, players, folder)
        _settle(screen, stage, players, asked)
        _review(screen, players, asked)
        _download(screen, players, asked, folder)
        _leave(screen, players, asked)
        _report(screen, players, folder)
        root = stage.root
    is_right = audit(screen, folder, folder / RECEIPT, root)
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
    storyboard = cast.register(stage, admin, "storyboard-agent", producer, keys)
    colour = cast.register(stage, admin, "colour-agent", producer, keys, parent=storyboard)
    social = cast.register(stage, admin, "social-agent", producer, keys)
    intern = cast.register(stage, admin, "intern-agent", producer, keys, role=None)
    screen.step("four agents registered their own keys; Paula Winter answers for all of them")
    cast.hand_on(producer, storyboard, colour)
    screen.step("a mandate: Paula Winter → storyboard-agent → colour-agent, narrowed on the way")
    screen.fact("200 USD on any model, of which the second agent hands on 20 USD on local models.")
    consent = cast.register_consent(producer, "Mara Lindqvist")
    screen.step("the producer registered the signed consent of the ambassador of the brand")
    return Cast(admin, producer, officer, reviewers, storyboard, colour, social, intern, consent)


def _ask(screen: Screen, players: Cast, folder: Path) -> dict[str, str]:
    """Make all requests; returns the ids of those that were accepted."""
    screen.act("2  Seven requests, each signed by its agent")
    asked: dict[str, str] = {}
    for order in ACCEPTED:
        agent, video = players.agent(order), _create(players, order)
        asked[order.name] = video["id"]
        screen.step(f"{order.name:<10} {agent.name:<17} {order.said}")
        if agent is players.colour:
            agent.client.receipt(video["id"], video["governance"]["receipt"], folder / RECEIPT)
            screen.fact("It keeps the receipt: the decision as the service has signed it.")
    for order in REFUSED:
        refusal = _refused(order.ends, partial(_create, players, order))
        screen.step(f"{order.name:<10} {players.agent(order).name:<17} {order.said}", good=False)
        if "generation" in refusal.details:
            _explain(screen, players, refusal.details["generation"])
    return asked


def _explain(screen: Screen, players: Cast, generation: str) -> None:
    """How `governance policies explain` begins: who asked for what, and why it was refused."""
    told = players.officer.get(f"/v1/governance/generations/{generation}/explanation")
    sentences = told["decisions"][0]["sentences"]
    screen.fact(" ".join(sentences[:EXPLAINED]))
    left = len(sentences) - EXPLAINED
    screen.fact(f"({left} more sentences: governance policies explain {generation})")


def _settle(screen: Screen, stage: Stage, players: Cast, asked: dict[str, str]) -> None:
    """Wait until every request waits for a person or has ended."""
    screen.act("   What policy asked for, and where they stand")
    deadline = time.monotonic() + TIMEOUT
    for name, generation in asked.items():
        while (now := _state(players, generation))["state"] not in RESTING:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{generation} did not settle")
            time.sleep(0.2)
        screen.step(f"{name:<10} {now['state']}")
        if name == "portrait":
            screen.fact(f"duties: {', '.join(now['duties'])}")
    lost = _state(players, asked["train"])
    posts = stage.vendor.posts(asked["train"])
    screen.fact(
        f"The order of the train was sent {posts} time; it is never repeated blindly, and "
        f"{_money(lost['held'])} stay held until a person has found out."
    )


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
    screen.act(
        "4  A kill switch; then the agents fetch what was released, with the marks read back"
    )
    _throw_and_lift(screen, players, asked["street"], folder)
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


def _throw_and_lift(screen: Screen, players: Cast, made_by_it: str, folder: Path) -> None:
    """The vendor's model is stopped for as long as it takes to see that it is."""
    switch, officer = {"scope": f"model:{VENDOR_MODEL}"}, players.officer
    officer.post("/v1/governance/switches", {**switch, "reason": "exercise"})
    download = partial(players.social.client.content, made_by_it, folder / "street.mp4")
    stopped = _code(_refused("stopped", download))
    officer.post("/v1/governance/switches/lift", {**switch, "reason": "resolved"})
    screen.step(f"{officer.name} stops {VENDOR_MODEL}: fetching its clip → {stopped}; lifts it")


def _leave(screen: Screen, players: Cast, asked: dict[str, str]) -> None:
    """Off-boarding of a person ends what agents do in their name, however far away."""
    screen.act("5  Paula Winter leaves: her account is suspended, nothing else is touched")
    players.admin.post(f"/v1/governance/people/{players.producer.id}/suspend", {})
    for agent, hops in ((players.storyboard, "one hop"), (players.colour, "two hops")):
        refusal = _refused("accountable_suspended", partial(agent.client.video, asked["coast"]))
        where = f"{agent.name}, {hops} from her"
        screen.step(f"{where}: next request → {_code(refusal)}", good=False)
        screen.fact(refusal.message)


def _report(screen: Screen, players: Cast, folder: Path) -> None:
    screen.act("6  The compliance officer issues the report")
    time.sleep(1.0)  # let the last records reach a checkpoint
    today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    period = {
        "from": clock.rfc3339(today - timedelta(days=1)),  # it may have begun before midnight
        "to": clock.rfc3339(today + timedelta(days=1)),
    }
    report, evidence = folder / "report.pdf", folder / "evidence.zip"
    report.write_bytes(players.officer.fetch("/v1/governance/reports", period))
    screen.step(f"{report.name:<14} {_size(report)}  PDF/A-3 with its evidence inside")
    evidence.write_bytes(players.officer.fetch("/v1/governance/exports", {}))
    screen.step(f"{evidence.name:<14} {_size(evidence)}  the evidence alone")


def _close(screen: Screen, folder: Path, root: str) -> None:
    print(f"\nDone in {screen.seconds:.0f} s. What to look at, in {folder}\n")
    screen.entry("report.pdf", "open this first: the audit report")
    screen.entry("*.mp4", "the released clips; street and portrait carry a visible label")
    screen.entry(RECEIPT, "what the sub-agent kept of the decision on its request")
    screen.entry("evidence.zip", "what the auditor verified; the report has it attached")
    screen.entry(FORGED, "the copy in which one bit is flipped")
    screen.entry("data/", "the service's database, media and keys")
    program = Path(__file__).parents[2] / "scripts" / "run"
    command = program if program.is_file() else "governance"
    print(f"\nVerify again:\n\n  {command} verify {folder}/report.pdf \\\n    --root {root}\n")


def _create(players: Cast, order: Order) -> dict[str, Any]:
    return players.agent(order).client.create_video(
        order.prompt,
        model=order.model,
        seconds=SECONDS,
        size=order.size,
        metadata=order.metadata(players.consent),
    )


def _refused(code: str, call: Callable[[], object]) -> GovernanceApiError:
    try:
        call()
    except GovernanceApiError as error:
        if error.code == code:
            return error
        raise
    raise RuntimeError(f"the service should have refused this with {code}")


def _code(refusal: GovernanceApiError) -> str:
    return f"{refusal.status} {refusal.code}"


def _state(players: Cast, generation: str) -> dict[str, Any]:
    video = players.officer.get(f"/v1/videos/{generation}")
    governance: dict[str, Any] = video["governance"]
    return governance


def _size(file: Path) -> str:
    return f"{file.stat().st_size // 1024:>4} kB"


def _money(amount: dict[str, str] | None) -> str:
    return f"{amount['amount']} {amount['currency']}" if amount else "no money"
