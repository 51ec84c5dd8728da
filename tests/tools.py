"""Foreign tools that some tests need: skipped where a tool is missing, unless all are demanded."""

import os
import shutil
from pathlib import Path

import pytest

INTEROP = Path(__file__).parent / "interop"
DEMANDED = os.environ.get("GOVERNANCE_TEST_ALL_TOOLS") == "1"
NODE_PACKAGES = {"c2pa-ts": "@trustnxt/c2pa-ts", "openai-node": "openai"}
HOW_TO_INSTALL = {
    **dict.fromkeys(NODE_PACKAGES, "node, and `npm ci` in tests/interop"),
    "openai-2": "the command in tests/interop/openai-2.lock",
}


def needs(tool: str) -> pytest.MarkDecorator:
    """Skip the test where `tool` is missing; fail it there if GOVERNANCE_TEST_ALL_TOOLS=1.

    tool: a program on the path, or one of HOW_TO_INSTALL.
    """
    missing = not _installed(tool)
    reason = f"{tool} is not installed ({HOW_TO_INSTALL.get(tool, 'a program on the path')})"
    return pytest.mark.skipif(missing and not DEMANDED, reason=reason)


def _installed(tool: str) -> bool:
    if tool in NODE_PACKAGES:
        package = INTEROP / "node_modules" / NODE_PACKAGES[tool]
        return shutil.which("node") is not None and package.is_dir()
    if tool == "openai-2":
        return (INTEROP / ".openai-2" / "openai").is_dir()
    return shutil.which(tool) is not None
