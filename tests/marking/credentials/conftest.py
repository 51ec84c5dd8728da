"""Files with our manifest, made without any change to their content."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from governance.domain import Asset, Mark
from governance.marking.context import MarkContext
from governance.marking.credentials.manifest import Work, sign

NOTHING = Work()


class Sign(Protocol):
    def __call__(
        self, kind: str = ..., work: Work = ..., context: MarkContext | None = ...
    ) -> tuple[Path, Mark]: ...


@pytest.fixture
def signed(make: Callable[[str], Asset], context: MarkContext, tmp_path: Path) -> Sign:
    """Signs a new file of a media type; returns it, and the mark as written."""
    said = context

    def signed(
        kind: str = "image/png", work: Work = NOTHING, context: MarkContext | None = None
    ) -> tuple[Path, Mark]:
        source, target = make(kind), tmp_path / "signed"
        return target, sign(source.path, target, source, work, context or said)

    return signed
