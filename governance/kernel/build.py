"""Which code is running: the version and a digest over the package's source files."""

import hashlib
from functools import cache
from pathlib import Path

from governance import __version__


@cache
def producer() -> dict[str, str]:
    """`{"version", "build"}` as every record names it; `build` is `sha256:…` over all `.py`."""
    package = Path(__file__).resolve().parents[1]
    total = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        total.update(path.relative_to(package).as_posix().encode() + b"\0")
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return {"version": __version__, "build": "sha256:" + total.hexdigest()}
