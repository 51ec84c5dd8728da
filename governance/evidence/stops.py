"""Step 6, of the kill switch: nothing was ordered or released while a switch stopped it.

Who throws a switch waits for what is being committed, so the order of the log tells what came
first. Whatever else a switch stops leaves no record; a job that was under way is polled and kept.
"""

from collections.abc import Mapping, Sequence

from governance.evidence.errors import EvidenceError
from governance.evidence.record import Record
from governance.evidence.story import Story

MOVES = ("provider.intended", "asset.released")


def check(records: Sequence[tuple[int, Record]], stories: Mapping[str, Story]) -> None:
    """records: (log index, record), in that order; stories: by stream, as all records tell them.

    Raises EvidenceError (`released_while_stopped`).
    """
    thrown: set[tuple[str, str]] = set()  # each organisation lifts its own
    for index, item in records:
        if item.event == "switch.changed":
            switch = (item.body["scope"], item.body["holder"])
            (thrown.add if item.body["action"] == "thrown" else thrown.discard)(switch)
        elif thrown and item.event in MOVES:
            _require_moving({scope for scope, _ in thrown}, stories[item.stream], index)


def _require_moving(thrown: set[str], story: Story, index: int) -> None:
    stopping = thrown & _over(story)
    if stopping:
        raise EvidenceError(
            "released_while_stopped",
            f"{story.id} went on at log index {index} while “{min(stopping)}” was stopped.",
        )


def _over(story: Story) -> set[str]:
    """Every switch that stops a generation: of who asked for it, and of what makes it."""
    request, route = story.request, story.route or {}
    return {
        "*",
        f"organisation:{request['organisation']}",
        *(f"agent:{principal}" for principal in request["principal"]["chain"]),
        f"model:{route.get('model')}",
        f"provider:{route.get('provider')}",
    }
