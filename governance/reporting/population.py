"""Which generations a report is about, and proof in numbers that none was left out.

Pure. A generation belongs to the period in which it was requested, whenever it ended.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from governance.evidence.story import Story
from governance.kernel import clock


@dataclass(frozen=True)
class ReportedStory:
    """A generation's story and where its records lie: log index of the first and the last."""

    story: Story
    first_index: int
    last_index: int


@dataclass(frozen=True)
class Population:
    """The generations of a report, in log order, and what was left out and why.

    streams: every generation that was read from the log, of which `before`, `after` (the period)
    and `elsewhere` (another project or organisation) are not reported. The four add up.
    """

    reported: tuple[ReportedStory, ...]
    streams: int
    before: int
    after: int
    elsewhere: int

    @property
    def stories(self) -> tuple[Story, ...]:
        return tuple(item.story for item in self.reported)

    @property
    def records(self) -> int:
        """How many records tell these stories."""
        return sum(item.story.records for item in self.reported)

    @property
    def first_index(self) -> int | None:
        return min((item.first_index for item in self.reported), default=None)

    @property
    def last_index(self) -> int | None:
        return max((item.last_index for item in self.reported), default=None)


def select(
    stories: Iterable[ReportedStory],
    start: datetime,
    end: datetime,
    project: str | None,
    organisation: str,
) -> Population:
    """The generations that an organisation requested in [start, end), in one project or in all.

    stories: from the log, of any time; start, end: aware. The verifier makes the same choice
    (`evidence.report.population`); this one also counts what it leaves out.
    """
    reported = []
    before = after = elsewhere = 0
    for item in stories:
        request = item.story.request
        requested = clock.parse(item.story.requested_at)
        if request["organisation"] != organisation or project not in (None, request["project"]):
            elsewhere += 1
        elif requested < start:
            before += 1
        elif requested >= end:
            after += 1
        else:
            reported.append(item)
    reported.sort(key=lambda item: item.first_index)
    streams = len(reported) + before + after + elsewhere
    return Population(tuple(reported), streams, before, after, elsewhere)
