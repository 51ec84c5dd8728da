"""What automated review did not look at, as the screening records say. Pure."""

from collections import Counter
from collections.abc import Sequence

from governance.evidence.story import Story


def unscreened(stories: Sequence[Story]) -> list[tuple[str, str, int]]:
    """(subject, reason, number of files), the most frequent first."""
    missed = Counter(
        (item["subject"], item["reason"])
        for story in stories
        if story.coverage is not None
        for item in story.coverage["not_checked"]
    )
    ordered = sorted(missed.items(), key=lambda entry: (-entry[1], entry[0]))
    return [(subject, reason, count) for (subject, reason), count in ordered]
