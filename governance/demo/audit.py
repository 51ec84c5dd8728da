"""The distrustful auditor: has the files and the root fingerprint, and no service to ask."""

import subprocess
import sys
from pathlib import Path

from governance.demo.screen import Screen
from governance.evidence import bundle

FORGED = "evidence-forged.zip"


def audit(screen: Screen, folder: Path, receipt: Path, root: str) -> bool:
    """Verify the report with a kept receipt, then a forgery; True when only the report verifies."""
    screen.act("8  The service is off. An auditor verifies the report and the agent's receipt")
    good = _verify(folder / "report.pdf", root, "--receipt", str(receipt))
    screen.said(good.stdout + good.stderr)
    is_verified = good.returncode == 0
    screen.step("the report verifies, and the log holds what the agent kept", good=is_verified)

    screen.act("9  One bit is flipped in a copy of the evidence")
    bad = _verify(_forge(folder), root)
    screen.said(bad.stdout + bad.stderr)
    is_found = bad.returncode == 1 and "NOT VERIFIED" in bad.stdout
    screen.step("the forgery is found", good=is_found)
    return is_verified and is_found


def _forge(folder: Path) -> Path:
    """A copy of the evidence with one bit of one record flipped."""
    files = bundle.unpack((folder / "evidence.zip").read_bytes())
    records = bytearray(files["records.intoto.jsonl"])
    records[len(records) // 2] ^= 1
    forged = folder / FORGED
    forged.write_bytes(bundle.pack({**files, "records.intoto.jsonl": bytes(records)}))
    return forged


def _verify(file: Path, root: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "governance", "verify", str(file), "--root", root, *options]
    return subprocess.run(  # noqa: S603  our own program, no shell
        command, capture_output=True, text=True, encoding="utf-8", check=False
    )
