"""The pages' backend: the lifecycle, asked on behalf of a signed-in person."""

from decimal import Decimal
from pathlib import Path

import orjson
from sqlalchemy import select
from sqlmodel import col

from governance.domain import Asset, Finding, MatchedRule, Principal
from governance.evidence import assertion
from governance.evidence.story import Story
from governance.identity import challenges, login, passkeys, sessions
from governance.identity.names import display_names
from governance.kernel import clock
from governance.kernel.errors import Denied, Unauthenticated
from governance.ledger import tree
from governance.ledger.publisher import latest
from governance.ledger.tables import LogCheckpoint
from governance.lifecycle import access, commands, determination, statements, views
from governance.lifecycle.access import Question
from governance.lifecycle.context import Context
from governance.lifecycle.engine import Engine
from governance.lifecycle.questions import PROMPT, private_of, request_of
from governance.lifecycle.statements import Choice
from governance.lifecycle.statements import Played as Shown
from governance.marking.bodies import mark_from_json
from governance.review import queue, reviews
from governance.review.queue import QueueItem
from governance.web.account_service import AccountService
from governance.web.backend import (
    Checkpoint,
    Pack,
    RequestFacts,
    ReviewPage,
    Row,
    Status,
    Verdict,
    Vote,
)


class ServiceBackend:
    """Implements `backend.WebBackend`. Every answer is limited to what the person may see."""

    def __init__(self, context: Context, engine: Engine) -> None:
        self._context = context
        self._engine = engine
        self._account = AccountService(context)

    @property
    def account(self) -> AccountService:
        return self._account

    @property
    def base_url(self) -> str:
        return self._context.settings.base_url

    def status(self) -> Status:
        policy = self._context.policies.policy
        with self._context.database.read() as session:
            connection = session.connection()
            published = latest(session)
            at = connection.execute(
                select(col(LogCheckpoint.created_at)).order_by(col(LogCheckpoint.size).desc())
            ).scalar()
            records = tree.size(connection)
            waiting = queue.waiting(session, self._context.settings.organisation, None, clock.now())
        head = published[0] if published else None
        return Status(
            origin=self._context.ledger.keyring.manifest.origin,
            records=records,
            checkpoint=Checkpoint(head.size, head.root.hex(), at) if head and at else None,
            waiting=waiting,
            engine=self._engine.running,
            policy=policy.digest,
            packs=tuple(
                Pack(
                    pack["id"],
                    pack["title"],
                    pack["version"],
                    pack["jurisdiction"],
                    len(pack["rules"]),
                )
                for pack in orjson.loads(policy.document)["packs"]
            ),
        )

    def sign_in(self, username: str, password: str, replaces: str | None, code: str = "") -> str:
        return login.login(
            self._context.database,
            self._context.ledger,
            username,
            password,
            code=code,
            absolute=self._context.settings.session_absolute,
            replaces=replaces,
        ).token

    def sign_out(self, token: str) -> None:
        self._context.database.write(lambda c: sessions.end(c, token))

    def person(self, token: str) -> Principal | None:
        try:
            with self._context.database.read() as session:
                live = sessions.find(session, token, idle=self._context.settings.session_idle)
        except Unauthenticated:
            return None
        if live.state != "active":
            return None
        if live.touch_due:
            self._context.database.write(lambda c: sessions.touch(c, token))
        return Principal(
            kind="person",
            id=live.person,
            organisation=live.organisation,
            accountable=live.person,
            assurance="C",
            chain=(live.person,),
            name=live.name,
        )

    def change_password(self, username: str, old: str, new: str, code: str = "") -> str:
        return login.change_password(
            self._context.database,
            self._context.ledger,
            username,
            old=old,
            new=new,
            code=code,
            absolute=self._context.settings.session_absolute,
        ).token

    def queue(self, person: Principal) -> list[Row]:
        projects = self._projects(person)
        with self._context.database.read() as session:
            items = queue.queue(session, person.organisation, projects, clock.now())
            stories = [views.find(session, i.generation, person.organisation) for i in items]
            requesters = {story.request["principal"]["id"] for story in stories}
            names = display_names(session, requesters)
        return [
            _row(item, story, person, names) for item, story in zip(items, stories, strict=True)
        ]

    def review(self, person: Principal, review: str) -> ReviewPage:
        item, story = self._found(person, review, "read")
        people = {
            *(decided.person for decided in item.decisions),
            story.request["principal"]["id"],
            story.request["principal"]["accountable"],
        }
        with self._context.database.read() as session:
            names = display_names(session, people)
            can_sign = bool(passkeys.list_passkeys(session, person.id))
        prompt = private_of(self._context, story).get(PROMPT)
        return ReviewPage(
            row=_row(item, story, person, names),
            generation=story.id,
            asset=self._asset(story),
            request=_facts(story, names, prompt),
            rules=tuple(rule for rule in _rules(story) if rule.id in item.rules),
            marks=tuple(mark_from_json(mark) for mark in story.marks),
            findings=tuple(Finding(**finding) for finding in story.findings),
            votes=tuple(
                Vote(
                    names.get(decided.person, decided.person),
                    decided.decision,
                    self._title(decided.reason),
                    decided.decided_at,
                )
                for decided in item.decisions
            ),
            reasons=self._context.reasons.at("review"),
            asks_deep_fake=determination.is_due(story),
            can_sign=can_sign,
        )

    def media(self, person: Principal, review: str) -> tuple[Path, str]:
        _, story = self._found(person, review, "read")
        asset = self._asset(story)
        return asset.path, asset.media_type

    def claim(self, person: Principal, review: str) -> None:
        item, _ = self._found(person, review, "claim")
        commands.claim_review(self._context, item.generation, person)

    def release(self, person: Principal, review: str) -> None:
        self._found(person, review, "claim")
        self._context.database.write(lambda c: reviews.release_claim(c, review, person.id))

    def statement_options(self, person: Principal, review: str, verdict: Verdict) -> str:
        _, story = self._found(person, review, "decide")
        choice = _choice(story, verdict)
        statement = statements.review_to_sign(self._context, story, person, choice)
        challenge = assertion.challenge(statement)
        with self._context.database.read() as session:
            return passkeys.statement_options(
                session.connection(), self._account.site, person.id, challenge
            )

    def decide(self, person: Principal, review: str, verdict: Verdict) -> None:
        item, story = self._found(person, review, "decide")
        commands.decide_review(self._context, item.generation, person, _choice(story, verdict))
        self._engine.wake()

    def _found(self, person: Principal, review: str, act: str) -> tuple[QueueItem, Story]:
        with self._context.database.read() as session:
            item = queue.get(session, review, clock.now())
            story = views.find(session, item.generation, person.organisation)
        self._require(person, Question("review", act, item.organisation, item.project, story))
        return item, story

    def _require(self, person: Principal, question: Question) -> None:
        access.require(self._context, person, None, question)

    def _projects(self, person: Principal) -> list[str] | None:
        """The projects whose reviews a person may see; None for all of the organisation.

        Raises Denied (`access_denied`) for somebody who may see none.
        """
        question = Question("review", "read", person.organisation)
        allowed = access.projects(self._context, person, None, question)
        if allowed == []:
            self._require(person, question)
        return allowed

    def _title(self, code: str) -> str:
        reason = self._context.reasons.get(code)
        return reason.title if reason else code

    def _asset(self, story: Story) -> Asset:
        body = story.delivered_file
        if body is None or story.deleted:
            raise Denied("media_deleted", "The file was deleted.")
        return Asset(
            digest=body["digest"],
            media_type=body["media_type"],
            size=body["size"],
            path=self._context.media.path(story.id, body["digest"]),
            width=body["width"],
            height=body["height"],
            seconds=float(body["seconds"]),
            has_audio=body["has_audio"],
        )


def _choice(story: Story, verdict: Verdict) -> Choice:
    seconds = float((story.delivered_file or {})["seconds"])
    shown = Shown(
        seconds=Decimal(verdict.played.seconds),
        share=verdict.played.share(seconds),
        muted=verdict.played.muted,
        blurred=verdict.played.blurred,
    )
    return Choice(
        decision=verdict.decision,
        reason=verdict.reason,
        comment=verdict.comment,
        digest=verdict.digest,
        played=shown,
        deep_fake=verdict.deep_fake,
        assertion=challenges.read_assertion(verdict.answer) if verdict.answer else None,
    )


def _row(item: QueueItem, story: Story, person: Principal, names: dict[str, str]) -> Row:
    body = story.delivered_file or {}
    requester = story.request["principal"]["id"]
    return Row(
        review=item.review,
        media=story.request["media"],
        seconds=float(body.get("seconds", 0)),
        width=body.get("width", 0),
        height=body.get("height", 0),
        project=item.project,
        requester=names.get(requester, requester),
        because=tuple(rule.because for rule in _rules(story) if rule.id in item.rules),
        opened_at=item.opened_at,
        expires_at=item.expires_at,
        approvals=item.approvals,
        required=item.count,
        standing=item.standing(person.id),
        claimed_until=item.claim_expires_at,
    )


def _rules(story: Story) -> tuple[MatchedRule, ...]:
    """Every rule that matched, once, the strictest first."""
    found: dict[str, MatchedRule] = {}
    for decision in story.decisions:
        for rule in decision["rules"]:
            found[rule["id"]] = MatchedRule(**{**rule, "binds": tuple(rule["binds"])})
    rank = {"deny": 0, "review": 1, "permit": 2}
    return tuple(sorted(found.values(), key=lambda rule: (rank[rule.effect], rule.id)))


def _facts(story: Story, names: dict[str, str], prompt: str | None) -> RequestFacts:
    request = request_of(story)
    principal = story.request["principal"]
    return RequestFacts(
        requester=names.get(principal["id"], principal["id"]),
        requester_kind=principal["kind"],
        accountable=names.get(principal["accountable"], principal["accountable"]),
        model=(story.route or {}).get("model") or "",
        purpose=request.purpose,
        territories=request.territories,
        audience=request.audience,
        sector=request.sector,
        declaration=request.declaration,
        prompt=prompt,
    )
