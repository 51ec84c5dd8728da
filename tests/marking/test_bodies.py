"""Bodies of the records about marks fit their schemas."""

from pathlib import Path

import pytest

from governance.evidence.record import validate
from governance.marking.bodies import marked_body, verified_body
from governance.marking.duties import unmet
from governance.marking.probe import inspect
from governance.marking.read import read
from governance.marking.write import MarkContext, mark
from tests.marking.conftest import KINDS
from tests.marking.samples import METADATA_DUTY, label_duty
from tests.marking.test_round_trip import Make


@pytest.mark.parametrize("kind", KINDS)
def test_bodies_of_real_files_are_valid(
    make: Make, context: MarkContext, tmp_path: Path, kind: str
) -> None:
    source, target, duties = make(kind), tmp_path / "target", [METADATA_DUTY, label_duty()]
    written = mark(source, target, duties, context).marks
    delivered = inspect(target)
    validate("asset.marked", marked_body(source.digest, delivered, written))
    marks = read(target, kind, written, context.authority.trust)
    validate("marks.verified", verified_body(delivered.digest, marks, unmet(duties, marks)))
