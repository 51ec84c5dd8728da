"""How the duties of several decisions about one generation become one set. Pure."""

from typing import Any

Body = dict[str, Any]


def merge_duties(first: list[Body], second: list[Body]) -> list[Body]:
    """Duties of the second decision join those of the first; where both name one, the later rules.

    An enforced duty is never weakened: more people stay more people.
    """
    merged = {(duty["kind"], duty["mode"]): duty for duty in first}
    for duty in second:
        key = (duty["kind"], duty["mode"])
        merged[key] = _stricter(merged[key], duty) if key in merged else duty
    return [merged[key] for key in sorted(merged)]


def _stricter(old: Body, new: Body) -> Body:
    """Later parameters win, but a number (people, height, months) never falls."""
    rules = sorted({*old["rules"], *new["rules"]})
    before, parameters = old["parameters"], dict(new["parameters"])
    for name, value in before.items():
        if isinstance(value, int):
            parameters[name] = max(value, parameters.get(name, value))
        else:
            parameters.setdefault(name, value)
    return {**new, "rules": rules, "parameters": parameters}
