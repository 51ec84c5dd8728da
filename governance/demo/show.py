"""The play: agents ask, people review, a copy turns up, an auditor doubts the report."""

import tempfile
import time
from datetime import timedelta
from functools import partial
from pathlib import Path

from governance.demo import cast
from governance.demo.asking import RECEIPT, ask, settle
from governance.demo.audit import FORGED, audit
from governance.demo.cast import Cast, code, refused
from governance.demo.copies import COPY, RESULT, recognise
from governance.demo.releasing import download, review
from governance.demo.screen import Screen, size
from governance.demo.stage import Stage, open_stage
from governance.kernel import clock
from governance.kernel.errors import ConfigurationError


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
        asked = ask(screen, players, folder)
        settle(screen, stage, players, asked)
        review(screen, players, asked)
        download(screen, players, asked, folder)
        recognise(screen, stage, players, asked, folder)
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


def _leave(screen: Screen, players: Cast, asked: dict[str, str]) -> None:
    """Off-boarding of a person ends what agents do in their name, however far away."""
    screen.act("6  Paula Winter leaves: her account is suspended, nothing else is touched")
    players.admin.post(f"/v1/governance/people/{players.producer.id}/suspend", {})
    for agent, hops in ((players.storyboard, "one hop"), (players.colour, "two hops")):
        refusal = refused("accountable_suspended", partial(agent.client.video, asked["coast"]))
        where = f"{agent.name}, {hops} from her"
        screen.step(f"{where}: next request → {code(refusal)}", good=False)
        screen.fact(refusal.message)


def _report(screen: Screen, players: Cast, folder: Path) -> None:
    screen.act("7  The compliance officer issues the report")
    time.sleep(1.0)  # let the last records reach a checkpoint
    today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    period = {
        "from": clock.rfc3339(today - timedelta(days=1)),  # it may have begun before midnight
        "to": clock.rfc3339(today + timedelta(days=1)),
    }
    report, evidence = folder / "report.pdf", folder / "evidence.zip"
    report.write_bytes(players.officer.fetch("/v1/governance/reports", period))
    screen.step(f"{report.name:<14} {size(report)}  PDF/A-3 with its evidence inside")
    evidence.write_bytes(players.officer.fetch("/v1/governance/exports", {}))
    screen.step(f"{evidence.name:<14} {size(evidence)}  the evidence alone")


def _close(screen: Screen, folder: Path, root: str) -> None:
    print(f"\nDone in {screen.seconds:.0f} s. What to look at, in {folder}\n")
    screen.entry("report.pdf", "open this first: the audit report")
    screen.entry(
        "street.mp4", "the label that the EU and China ask for; portrait has the EU's alone"
    )
    screen.entry("crowd.wav", "begins with a spoken label; poster.png carries China's")
    screen.entry(COPY, f"the copy that leads back to its record; {RESULT} says so, signed")
    screen.entry(RECEIPT, "what the sub-agent kept of the decision on its request")
    screen.entry("evidence.zip", "what the auditor verified; the report has it attached")
    screen.entry(FORGED, "the copy in which one bit is flipped")
    screen.entry("data/", "the service's database, media and keys")
    program = Path(__file__).parents[2] / "scripts" / "run"
    command = program if program.is_file() else "governance"
    print(
        f"\nVerify and ask again:\n\n  {command} verify {folder}/report.pdf \\\n    --root {root}"
    )
    print(f"  {command} detect {folder}/{COPY} \\\n    --data {folder}/data\n")
