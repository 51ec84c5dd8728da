"""Step 9: whoever acted is known by a signed document, and acted within a mandate."""

from collections.abc import Callable, Sequence

from governance.evidence.manifest import Manifest
from governance.evidence.record import Record


def check(
    records: Sequence[tuple[int, Record]], file: Callable[[str], bytes], trusted: Manifest
) -> str:
    """What was found, in words. records: (log index, record); file: a file of the bundle."""
    return "no identity documents are cited"
