"""Foreign tools that some tests need: skipped where a tool is missing, unless all are demanded."""

import os
import shutil
from pathlib import Path

import pytest

INTEROP = Path(__file__).parent / "interop"
DEMANDED = os.environ.get("GOVERNANCE_TEST_ALL_TOOLS") == "1"
HOW_TO_INSTALL = {
    "c2pa-ts": "node, and `npm ci` in tests/interop",
}


def needs(tool: str) -> pytest.MarkDecorator:
    """Skip the test where `tool` is missing; fail it there if GOVERNANCE_TEST_ALL_TOOLS=1.

    tool: a program on the path, or `c2pa-ts`.
    """
    missing = not _installed(tool)
    reason = f"{tool} is not installed ({HOW_TO_INSTALL.get(tool, 'a program on the path')})"
    return pytest.mark.skipif(missing and not DEMANDED, reason=reason)


def _installed(tool: str) -> bool:
    if tool == "c2pa-ts":
        package = INTEROP / "node_modules" / "@trustnxt" / "c2pa-ts"
        return shutil.which("node") is not None and package.is_dir()
    return shutil.which(tool) is not None
