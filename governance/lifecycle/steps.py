"""The one table of steps: for each state what leaves it, what that writes, and what a crash means.

A step has three parts. *Prepare* reads; *act* does the slow work outside any transaction (a vendor,
an encoder); *commit* is one transaction: compare-and-swap on the version, the records, the rows
that belong to them, the next wake-up. The engine's steps and people's commands stand in the same
table; documentation and the kill test are generated from it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from governance.evidence.story import CANCELLABLE, ENDS, State, Story
from governance.kernel import clock
from governance.kernel.settings import Settings
from governance.ledger import Entry
from governance.lifecycle import checking, choosing, finishing, generating
from governance.lifecycle.context import Context
from governance.lifecycle.outcome import Outcome

Wire = Literal["queued", "in_progress", "completed", "failed"]
Act = Callable[[Context, Story], Outcome]


@dataclass(frozen=True)
class Step:
    """One way out of a state (or around in it).

    by: who sets it off; appends: the events it may write; to: where it may lead;
    crash: what is true if the process dies in it, and what happens next; act: None for commands;
    intent: committed before `act`, leading to the state whose own step is the recovery;
    gives_up: the record after MAX_FAILURES failures of `act`; waits: `act` mostly waits for a
    vendor, rather than keeping this machine busy.
    """

    leaves: State
    name: str
    by: Literal["engine", "person", "requester", "time"]
    appends: tuple[str, ...]
    to: tuple[State, ...]
    crash: str
    act: Act | None = None
    intent: Act | None = None
    gives_up: Callable[[Story], Entry] | None = None
    waits: bool = False


REPEATED = "Nothing was committed: the lease runs out and the step runs again."
REPEATED_CHECK = "Nothing was committed; a check changes no state and can be made again."
ONE_COMMIT = "One transaction: it happened with its record, or it did not."

# What a withdrawal may write; a vendor that has stopped its job lets go of the money at once.
WITHDRAWALS: dict[State, tuple[str, ...]] = {
    **dict.fromkeys(CANCELLABLE, ("generation.ended",)),
    State.GENERATING: ("generation.ended", "provider.resolved"),
}

STEPS: tuple[Step, ...] = (
    Step(
        State.AWAITING_APPROVAL,
        "approve",
        "person",
        ("approval.decided",),
        (State.PERMITTED, State.REJECTED),
        ONE_COMMIT,
    ),
    Step(
        State.AWAITING_APPROVAL,
        "expire",
        "time",
        ("generation.ended",),
        (State.EXPIRED,),
        REPEATED,
        finishing.expire,
    ),
    Step(
        State.PERMITTED,
        "route",
        "engine",
        ("route.chosen", "generation.ended"),
        (State.ROUTED, State.FAILED),
        REPEATED,
        choosing.choose_route,
        gives_up=generating.give_up,
    ),
    Step(
        State.ROUTED,
        "submit",
        "engine",
        (
            "provider.intended",
            "provider.submitted",
            "provider.failed",
            "provider.unknown",
            "generation.ended",
        ),
        (
            State.SUBMITTING,
            State.GENERATING,
            State.FAILED,
            State.PERMITTED,
            State.ROUTED,
            State.UNKNOWN,
        ),
        "Before the intent is committed nothing was sent and the step runs again; after it the "
        "state is `submitting`, and the order is never sent a second time.",
        generating.submit,
        intent=generating.intend,
        gives_up=generating.give_up,
        waits=True,
    ),
    Step(
        State.SUBMITTING,
        "recover",
        "engine",
        ("provider.submitted", "provider.unknown"),
        (State.GENERATING, State.UNKNOWN),
        "The order may have been sent: the vendor is asked by our key where it has one, otherwise "
        "the outcome is unknown and the money stays held.",
        generating.recover,
        gives_up=generating.give_up_unknown,
        waits=True,
    ),
    Step(
        State.UNKNOWN,
        "resolve",
        "person",
        ("provider.resolved",),
        (State.GENERATING, State.FAILED),
        ONE_COMMIT,
    ),
    Step(
        State.CANCELLED,
        "resolve",
        "person",
        ("provider.resolved",),
        (State.CANCELLED,),
        ONE_COMMIT,
    ),
    Step(
        State.GENERATING,
        "poll",
        "engine",
        ("asset.fetched", "provider.failed", "provider.unknown"),
        (State.FETCHED, State.FAILED, State.UNKNOWN),
        "Polling and fetching change nothing at the vendor: the step runs again.",
        generating.poll,
        gives_up=generating.give_up_unknown,
        waits=True,
    ),
    Step(
        State.FETCHED,
        "screen",
        "engine",
        ("asset.screened", "policy.decided", "asset.withheld"),
        (State.SCREENED, State.WITHHELD),
        REPEATED,
        finishing.screen,
        gives_up=finishing.give_up,
    ),
    Step(
        State.SCREENED,
        "mark",
        "engine",
        ("asset.marked", "asset.withheld"),
        (State.MARKED, State.WITHHELD),
        "A marked file without its record is nobody's: the step runs again and writes another.",
        finishing.write_marks,
        gives_up=finishing.give_up,
    ),
    Step(
        State.MARKED,
        "verify",
        "engine",
        ("marks.verified", "asset.withheld"),
        (State.VERIFIED, State.WITHHELD),
        REPEATED,
        finishing.verify_marks,
        gives_up=finishing.give_up,
    ),
    Step(
        State.VERIFIED,
        "clear",
        "engine",
        ("review.opened", "asset.released", "asset.withheld"),
        (State.IN_REVIEW, State.RELEASED, State.WITHHELD),
        REPEATED,
        finishing.clear,
        gives_up=finishing.give_up,
    ),
    Step(
        State.IN_REVIEW,
        "claim",
        "person",
        ("review.claimed",),
        (State.IN_REVIEW,),
        ONE_COMMIT,
    ),
    Step(
        State.IN_REVIEW,
        "decide",
        "person",
        ("review.decided", "asset.released"),
        (State.IN_REVIEW, State.RELEASED, State.REJECTED),
        ONE_COMMIT,
    ),
    Step(
        State.IN_REVIEW,
        "expire",
        "time",
        ("generation.ended",),
        (State.EXPIRED,),
        REPEATED,
        finishing.expire,
    ),
    Step(
        State.RELEASED,
        "deliver",
        "requester",
        ("asset.delivered",),
        (State.RELEASED,),
        "The record is written before the first byte leaves.",
    ),
    *(
        Step(state, "check", "person", ("marks.checked",), (state,), REPEATED_CHECK)
        for state in (State.RELEASED, State.RECALLED)
    ),
    Step(
        State.RELEASED,
        "recheck",
        "time",
        ("marks.checked",),
        (State.RELEASED,),
        REPEATED_CHECK,
        checking.recheck,
    ),
    Step(State.RELEASED, "recall", "person", ("asset.recalled",), (State.RECALLED,), ONE_COMMIT),
    *(
        Step(state, "cancel", "requester", events, (State.CANCELLED,), ONE_COMMIT)
        for state, events in WITHDRAWALS.items()
    ),
    *(
        Step(
            state,
            "delete",
            "requester",
            ("asset.deleted",),
            (state,),
            "The record is written first; files that are left are removed by the next deletion.",
        )
        for state in sorted(ENDS)
    ),
)

# What clients of the OpenAI shape see; only these four words exist there.
WIRE: dict[State, Wire] = {
    State.REQUESTED: "queued",
    State.AWAITING_APPROVAL: "queued",
    State.PERMITTED: "queued",
    State.ROUTED: "queued",
    State.SUBMITTING: "in_progress",
    State.GENERATING: "in_progress",
    State.FETCHED: "in_progress",
    State.SCREENED: "in_progress",
    State.MARKED: "in_progress",
    State.VERIFIED: "in_progress",
    State.IN_REVIEW: "queued",
    State.RELEASED: "completed",
    State.REJECTED: "failed",
    State.DENIED: "failed",
    State.FAILED: "failed",
    State.CANCELLED: "failed",
    State.EXPIRED: "failed",
    State.WITHHELD: "failed",
    State.RECALLED: "failed",
    State.UNKNOWN: "failed",
}

_ACTS: dict[State, Step] = {step.leaves: step for step in STEPS if step.act is not None}
AT_VENDORS = frozenset(state for state, step in _ACTS.items() if step.waits)
AT_WORK = frozenset(_ACTS) - AT_VENDORS


def step_of(story: Story) -> Step | None:
    """The engine's step out of a story's state, if it has one."""
    return _ACTS.get(State(story.state))


def wake_at(story: Story, settings: Settings) -> datetime | None:
    """When the engine should look at a story: at once, at its expiry, or never again.

    Of the released files a few are checked again and again.
    """
    step = step_of(story)
    if step is None:
        return None
    if step.by == "engine":
        return clock.now()
    if story.state == State.RELEASED:
        return checking.due_at(story, settings)
    if story.review is not None:
        return clock.parse(story.review["expires_at"])
    return clock.parse(story.changed_at) + timedelta(seconds=settings.review_expiry)
