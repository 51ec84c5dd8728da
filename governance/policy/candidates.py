"""A changed copy of the policy folder, made from text that somebody sent, to try it out."""

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from governance.kernel.errors import ConfigurationError, InvalidRequest, TooLarge

MAX_FILES = 32
MAX_CHARACTERS = 100_000
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# All that rules and their cases depend on; the rest of the folder is not theirs.
_PARTS = ("authorization", "cases", "packs", "schemas")


@contextmanager
def changed_folder(
    policies_dir: Path, packs: Mapping[str, str], cases: Mapping[str, str]
) -> Iterator[Path]:
    """A copy with these packs and cases (name and YAML text) in place of those of the same name.

    What is wrong in them raises InvalidRequest (`packs_invalid`) with file and line. Raises
    InvalidRequest (`pack_name_invalid`), TooLarge (`packs_too_large`).
    """
    _require_small(packs, cases)
    with tempfile.TemporaryDirectory(prefix="policies-") as name:
        folder = Path(name)
        for part in _PARTS:
            shutil.copytree(policies_dir / part, folder / part)
        for file in policies_dir.glob("*.yaml"):
            shutil.copy(file, folder)
        for part, texts in (("packs", packs), ("cases", cases)):
            for pack, text in texts.items():
                (folder / part / f"{pack}.yaml").write_text(text, "utf-8")
        try:
            yield folder
        except ConfigurationError as error:
            raise InvalidRequest("packs_invalid", error.message, param="packs") from None
        except RecursionError:
            raise InvalidRequest(
                "packs_invalid", "The YAML is nested too deeply.", param="packs"
            ) from None


def _require_small(*parts: Mapping[str, str]) -> None:
    names = [name for texts in parts for name in texts]
    if not all(_NAME.fullmatch(name) and len(name) <= 64 for name in names):
        raise InvalidRequest(
            "pack_name_invalid",
            "A pack is named by lower-case letters, digits and dashes, without `.yaml`.",
            param="packs",
        )
    size = sum(len(text) for texts in parts for text in texts.values())
    if len(names) > MAX_FILES or size > MAX_CHARACTERS:
        raise TooLarge(
            "packs_too_large",
            f"At most {MAX_FILES} files with {MAX_CHARACTERS} characters in all, please.",
        )
