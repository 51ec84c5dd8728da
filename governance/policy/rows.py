"""The rows of `policies/authorization/policy.csv`, checked one by one.

Casbin itself accepts rows that then never match, or that match everybody: a misspelt effect, an
unknown condition. Each of these is refused here.
"""

from collections.abc import Iterator
from pathlib import Path

from governance.kernel.documents import FileFault, read_text
from governance.policy.authorization import (
    ACTIONS,
    BUILT_IN_ROLE,
    CONDITIONS,
    DOMAIN,
    EVERYBODY,
    EVERYWHERE,
)

FILE = "authorization/policy.csv"
_COLUMNS = 8


def read_rows(policies_dir: Path) -> tuple[list[tuple[str, ...]], list[FileFault]]:
    """The rules as tuples in the order of `Permission`, and what is wrong with the file."""
    rows: list[tuple[str, ...]] = []
    text, faults = read_text(policies_dir, FILE)
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split(",")]
        messages = list(_faults(cells, {row[0] for row in rows}))
        faults += [FileFault(FILE, number, message) for message in messages]
        if not messages:
            rows.append(tuple(cells[1:]))
    return rows, faults


def _faults(cells: list[str], ids: set[str]) -> Iterator[str]:
    if len(cells) != _COLUMNS or cells[0] != "p":
        yield "a row is: p, id, subject, domain, object, action, condition, effect"
        return
    _, rule, subject, domain, obj, action, condition, effect = cells
    if rule in ids or not rule:
        yield f"the id “{rule}” is empty or taken"
    if effect not in ("allow", "deny"):
        yield f"the effect is allow or deny, not “{effect}”"
    if not BUILT_IN_ROLE.fullmatch(subject) and (subject, effect) != (EVERYBODY, "deny"):
        yield f"the subject is role:<name>, or {EVERYBODY} in a deny, not “{subject}”"
    if domain != EVERYWHERE and not DOMAIN.fullmatch(domain):
        yield f"the domain is {EVERYWHERE} or org/…, not “{domain}”"
    if action not in ACTIONS.get(obj, ()):
        yield f"there is no action {obj}:{action}"
    if condition not in CONDITIONS:
        yield f"there is no condition “{condition}”; known are {', '.join(CONDITIONS)}"
