"""`/v1/governance/policies`: the compliance officer's tools, and a decision in plain sentences."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from governance.api.calls import Call, Spent
from governance.api.limits import LimitedRoute
from governance.api.permissions import requires
from governance.api.requests import PROJECT, Body, Moment
from governance.kernel import clock
from governance.lifecycle import explaining
from governance.policy import cases, load, whatif
from governance.policy.candidates import changed_folder
from governance.policy.coverage import Coverage, coverage
from governance.policy.recorded import Decided, decided
from governance.policy.whatif import Comparison, Group

router = APIRouter(prefix="/v1/governance", tags=["Policy"], route_class=LimitedRoute)
Project = Annotated[str, Field(pattern=f"^{PROJECT.pattern}$")]
Result = TypeVar("Result")
DEFAULT_DAYS = {"diff": 30, "coverage": 90}
_PACK = """\
id: house
version: "2026.12.01"
title: House rules
…
"""


class PoliciesBody(Body):
    """packs, cases: name (without `.yaml`) and text of each file to put in place of yours."""

    model_config = ConfigDict(json_schema_extra={"example": {"packs": {"house": _PACK}}})

    packs: dict[str, str] = Field(default_factory=dict)
    cases: dict[str, str] = Field(default_factory=dict)


class DiffBody(Body):
    """packs: name (without `.yaml`) and text of each changed pack; since: 30 days ago unless said;
    project: all unless said."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"packs": {"house": _PACK}, "since": "2026-11-01T00:00:00Z"}}
    )

    packs: dict[str, str] = Field(min_length=1)
    since: Moment | None = None
    project: Project | None = None


@router.get("/policies")
@requires("policy", "read")
async def list_policies(call: Spent) -> dict[str, Any]:
    """The packs in force, and those left out for an alternative."""
    policy = call.context.policies.policy
    content = orjson.loads(policy.document)
    return {
        "object": "list",
        "policy": policy.digest,
        "data": [_pack(pack, True) for pack in content["packs"]]
        + [_pack(pack, False) for pack in content.get("left_out", ())],
    }


@router.post("/policies/test")
@requires("policy", "read")
async def test(body: PoliciesBody, call: Spent) -> dict[str, Any]:
    """Try the cases beside the packs; with the changed packs and cases of the body, if any."""
    folder = call.context.settings.policies_dir

    def run() -> list[cases.Outcome]:
        with changed_folder(folder, body.packs, body.cases) as changed:
            return cases.run(changed)

    outcomes = await run_in_threadpool(run)
    failed = [outcome for outcome in outcomes if outcome.fault]
    return {
        "object": "policy_test",
        "passed": not failed,
        "cases": len(outcomes),
        "failed": [
            {"file": o.file, "line": o.line, "name": o.name, "fault": o.fault} for o in failed
        ],
    }


@router.post("/policies/diff")
@requires("policy", "read", scope="project")
async def diff(body: DiffBody, call: Spent) -> dict[str, Any]:
    """What would have been decided under changed packs: the inputs on record, decided again."""
    await call.allow_in(body.project or "")
    context = call.context

    def run(recorded: Iterable[Decided]) -> Comparison:
        with changed_folder(context.settings.policies_dir, body.packs, {}) as changed:
            new = load(changed)
        return whatif.compare(context.policies.policy, new, recorded)

    result = await _over(call, body.project, body.since or _ago("diff"), run)
    return {
        "object": "policy_diff",
        "decisions": result.decided,
        "unchanged": result.unchanged,
        "changes": [
            {
                "effect": {"from": change.effect[0], "to": change.effect[1]},
                "rules": {"added": change.rules_added, "removed": change.rules_removed},
                "duties": {
                    "added": change.duties_added,
                    "removed": change.duties_removed,
                    "changed": change.duties_changed,
                },
                **_group(group),
            }
            for change, group in result.ordered
        ],
        "not_accepted": {
            "old": [{"reason": why, **_group(g)} for why, g in result.refused_by_old.items()],
            "new": [{"reason": why, **_group(g)} for why, g in result.refused_by_new.items()],
        },
    }


@router.get("/policies/coverage")
@requires("policy", "read", scope="project")
async def read_coverage(
    call: Spent,
    since: Annotated[Moment | None, Query()] = None,
    project: Annotated[Project | None, Query()] = None,
) -> dict[str, Any]:
    """How often each rule has matched since a moment (90 days ago unless said)."""
    await call.allow_in(project or "")
    policy = call.context.policies.policy

    def run(recorded: Iterable[Decided]) -> Coverage:
        return coverage(policy, recorded)

    found = await _over(call, project, since or _ago("coverage"), run)
    return {
        "object": "policy_coverage",
        "policy": policy.digest,
        "decisions": found.decisions,
        "packs": [
            {
                "pack": pack,
                "rules": [
                    {
                        "rule": rule.rule,
                        "mode": rule.mode,
                        "enforced": rule.enforced,
                        "observed": rule.observed,
                        "waived": rule.waived,
                    }
                    for rule in found.pack(pack)
                ],
            }
            for pack, _ in policy.packs
        ],
        "gone": [{"rule": rule, "decisions": count} for rule, count in found.gone],
    }


@router.get("/generations/{generation}/explanation")
@requires("generation", "read", scope="generation")
async def explanation(generation: str, call: Spent) -> dict[str, Any]:
    """Each decision about a generation in sentences to be read aloud."""
    story = await call.story(generation)
    with call.context.database.read() as session:
        told = explaining.explain(call.context, session, story.id)
    return {
        "object": "explanation",
        "generation": story.id,
        "decisions": [
            {
                "record": one.record,
                "stage": one.stage,
                "occurred_at": one.occurred_at,
                "sentences": one.sentences,
            }
            for one in told
        ],
    }


async def _over(
    call: Call, project: str | None, since: datetime, run: Callable[[Iterable[Decided]], Result]
) -> Result:
    """Work through the decisions on record, away from other requests."""
    organisation = call.principal.organisation

    def work() -> Result:
        with call.context.database.read() as session:
            return run(decided(session, organisation, project, since))

    return await run_in_threadpool(work)


def _ago(what: str) -> datetime:
    return clock.now() - timedelta(days=DEFAULT_DAYS[what])


def _pack(pack: dict[str, Any], is_in_force: bool) -> dict[str, Any]:
    told = ("id", "version", "title", "jurisdiction", "status", "status_note", "as_of")
    return {
        **{name: pack[name] for name in told if name in pack},
        "object": "policy_pack",
        "in_force": is_in_force,
        "rules": len(pack.get("rules", ())),
    }


def _group(group: Group) -> dict[str, Any]:
    return {"count": group.count, "generations": group.generations}
