"""A whole service on a database of its own, with people, agents and their first requests."""

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import update
from sqlmodel import col

from governance.app import Platform, open_platform
from governance.client.signer import RequestSigner
from governance.domain import Declaration, GenerationRequest, Principal
from governance.evidence.record import Record
from governance.evidence.story import State, Story
from governance.identity import agents, people
from governance.kernel import clock, ids, settings
from governance.lifecycle import commands, engine, store, submitting, views
from governance.lifecycle.access import Question, require
from governance.lifecycle.context import Context
from governance.lifecycle.determination import DeepFake, is_due
from governance.lifecycle.statements import Choice
from governance.lifecycle.steps import step_of
from governance.lifecycle.submitting import Caller, Import
from governance.lifecycle.tables import Generation
from governance.marking.probe import inspect
from governance.marking.read import vendor_marks
from governance.policy import assignments, domain_of
from tests.agreement import records_of, require_agreement
from tests.documents import drafted, signatures

ORGANISATION = "default"
PROJECT = "launch"
# Nobody has to look at it, so it is released as soon as it is marked.
INTERNAL = GenerationRequest(
    organisation=ORGANISATION,
    project=PROJECT,
    media="video",
    model="local/procedural-video",
    prompt="a calm sea at dusk",
    seconds=1,
    width=640,
    height=360,
    territories=("EU",),
    declaration=Declaration(deep_fake="no", real_person="no"),
    audience="internal",
)


@dataclass
class Service:
    """An open platform whose engine stands still: tests take its steps one by one."""

    platform: Platform
    made: set[str] = field(default_factory=set)

    @property
    def context(self) -> Context:
        return self.platform.context

    def configured(self, **changes: Any) -> Context:
        """The same service under other settings."""
        return replace(self.context, settings=self.context.settings.model_copy(update=changes))

    def person(self, *roles: str) -> Principal:
        """A new person with these roles (`reviewer`, …) in the whole organisation."""
        made = self.context.database.write(
            lambda c: people.add_person(
                c,
                self.context.ledger,
                organisation=ORGANISATION,
                username=ids.new_id("u"),
                name="Somebody",
                by="service",
            )
        )
        for role in roles:
            self.grant(made.id, role)
        return Principal("person", made.id, ORGANISATION, made.id, "C", (made.id,))

    def agent(self, accountable: Principal) -> tuple[Principal, RequestSigner]:
        """A new agent of this person, with the key that signs its requests."""
        signer = RequestSigner(ids.random_bytes(32), authority=self.context.settings.authority)
        settings = self.context.settings
        document = drafted(
            signer,
            service=settings.base_url,
            organisation=ORGANISATION,
            accountable=accountable.id,
        )
        agent = self.context.database.write(
            lambda c: agents.register_agent(
                c,
                self.context.ledger,
                document=document,
                signatures=signatures(document, signer),
                organisation=ORGANISATION,
                audience=settings.authority,
                by=accountable.id,
            )
        )
        self.grant(agent, "agent")
        chain = (accountable.id, agent)
        return Principal("agent", agent, ORGANISATION, accountable.id, "A", chain), signer

    def grant(self, subject: str, role: str) -> None:
        self.context.database.write(
            lambda c: assignments.grant(
                c,
                self.context.ledger,
                self.context.policies.policy,
                subject=subject,
                role=f"role:{role}",
                domain=domain_of(ORGANISATION),
                by="service",
            )
        )

    def caller(
        self, principal: Principal, obj: str = "generation", act: str = "create", **more: Any
    ) -> Caller:
        """The principal with the authorization that it needs. Raises Denied."""
        question = Question(obj, act, ORGANISATION, PROJECT)
        return Caller(principal, require(self.context, principal, None, question), **more)

    def ask(self, request: GenerationRequest, caller: Caller) -> Story:
        """Request a generation."""
        return self.commit(submitting.prepare(self.context, request, caller))

    def bring(
        self,
        path: Path,
        request: GenerationRequest,
        caller: Caller,
        *ingredients: tuple[str, str],
    ) -> Story:
        """Import a finished file; ingredients: (generation, sha256) of files of ours in it."""
        asset = inspect(path)
        imported = Import(
            asset,
            "compositeWithTrainedAlgorithmicMedia",
            vendor_marks(path, asset.media_type),
            ingredients,
        )
        submission = submitting.prepare_import(self.context, request, imported, caller)
        self.context.media.keep(path, submission.generation)
        return self.commit(submission)

    def commit(self, submission: submitting.Submission) -> Story:
        story = self.context.database.write(
            lambda c: submitting.commit(c, self.context, submission)
        )
        self.made.add(story.id)
        return story

    def step(self, generation: str, context: Context | None = None) -> Story:
        """Take the engine's next step now, whenever it is due."""
        self.hurry(generation)
        assert engine.run_step(context or self.context, generation)
        return self.story(generation)

    def run(
        self, generation: str, until: State | None = None, context: Context | None = None
    ) -> Story:
        """Take steps until a state is reached, or until the engine has nothing to do at once."""
        story = self.story(generation)
        deadline = time.monotonic() + 30
        while story.state != until and is_moving(story):
            story = self.step(generation, context)
            assert time.monotonic() < deadline, f"{generation} stays {story.state}"
        assert until in (None, story.state), story.state
        return story

    def wait(self, generation: str, state: State) -> Story:
        """Until a running engine has brought a generation so far."""
        deadline = time.monotonic() + 30
        while (story := self.story(generation)).state != state:
            assert time.monotonic() < deadline, f"{generation} stays {story.state}"
            time.sleep(0.01)
        return story

    def rest(self, generation: str) -> Story:
        """Until a running engine has nothing to do with a generation before its time."""
        deadline = time.monotonic() + 30
        while True:
            row = self.row(generation)
            story = store.load(row.story)
            is_due = row.wake_at is not None and row.wake_at <= clock.now()
            if not (is_moving(story) or row.leased or is_due):
                return story
            assert time.monotonic() < deadline, f"{generation} stays {story.state}"
            time.sleep(0.005)

    def hurry(self, generation: str) -> None:
        """Make a generation due now."""
        row = update(Generation).where(col(Generation.id) == generation)
        self.context.database.write(lambda c: c.execute(row.values(wake_at=clock.now())))

    def row(self, generation: str) -> Generation:
        """What the table says: when the engine looks at a generation next, who is at it."""
        with self.context.database.read() as session:
            return session.get_one(Generation, generation)

    def approve(self, generation: str, reviewer: Principal) -> Story:
        """Claim a review and approve; where it was left open, it is no deep fake."""
        deep_fake: DeepFake = "no" if is_due(self.story(generation)) else ""
        choice = Choice("approve", "fit_for_release", deep_fake=deep_fake)
        return self.decide(generation, reviewer, choice)

    def decide(self, generation: str, reviewer: Principal, choice: Choice) -> Story:
        """Claim a review and decide over the file that is there."""
        story = commands.claim_review(self.context, generation, reviewer)
        digest = (story.delivered_file or {})["digest"]
        return commands.decide_review(
            self.context, generation, reviewer, replace(choice, digest=digest)
        )

    def story(self, generation: str) -> Story:
        with self.context.database.read() as session:
            return views.find(session, generation, ORGANISATION)

    def records(self, generation: str) -> list[Record]:
        with self.context.database.read() as session:
            return records_of(session, generation)

    def events(self, generation: str) -> list[str]:
        return [record.event for record in self.records(generation)]

    def files(self, generation: str) -> set[str]:
        """The digests of the files that lie in the store, checked against their bytes."""
        folder = self.context.settings.data_dir / "media" / "files" / generation
        found = set()
        for path in folder.glob("*"):
            assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
            found.add(path.name)
        return found

    def require_agreement(self) -> None:
        """Fold what was made since the last call; see `tests.agreement`."""
        made, self.made = self.made, set()
        require_agreement(self.context.database, made)

    def close(self) -> None:
        """Stop; the whole log must agree with the tables."""
        require_agreement(self.context.database)
        self.platform.stop()


def open_service(data_dir: Path, database_url: str = "", **changes: Any) -> Service:
    """Open a service in `data_dir`; the database lies there too unless there is a URL."""
    quick: dict[str, Any] = {
        "engine": False,
        "poll_interval": 0.01,
        "min_free_disk": 0,
        "rate_limit": "100000/second",
        "rate_limit_expensive": "100000/second",
        "rate_limit_detect": "100000/second",
    }
    configured = settings.load(data_dir=data_dir, database_url=database_url, **{**quick, **changes})
    return Service(open_platform(configured))


def is_moving(story: Story) -> bool:
    """Whether the engine has something to do without a person or the passing of time."""
    step = step_of(story)
    return step is not None and step.by == "engine"


def counted(events: Iterable[str], name: str) -> int:
    return sum(event == name for event in events)
