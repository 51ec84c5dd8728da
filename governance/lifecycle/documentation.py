"""The table of steps as people read it."""

from governance.lifecycle.steps import STEPS, WIRE, Step


def table() -> str:
    """Markdown: one row per step; cancelling and deleting, which many states share, once each."""
    lines = [
        "| state | on the wire | step | by | records | leads to | if the process dies in it |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [_row(step) for step in STEPS if step.name not in ("cancel", "delete")]
    return "\n".join([*lines, _shared("cancel"), _shared("delete")])


def _row(step: Step) -> str:
    cells = (
        f"`{step.leaves}`",
        WIRE[step.leaves],
        step.name,
        step.by,
        ", ".join(f"`{event}`" for event in step.appends),
        ", ".join(f"`{state}`" for state in step.to),
        step.crash,
    )
    return f"| {' | '.join(cells)} |"


def _shared(name: str) -> str:
    steps = [step for step in STEPS if step.name == name]
    states = ", ".join(f"`{step.leaves}`" for step in steps)
    first = steps[0]
    target = f"`{first.to[0]}`" if first.to[0] != first.leaves else "the same"
    written = dict.fromkeys(event for step in steps for event in step.appends)
    events = ", ".join(f"`{event}`" for event in written)
    return f"| {states} | | {name} | {first.by} | {events} | {target} | {first.crash} |"
