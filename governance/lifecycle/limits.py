"""How far a caller's mandate, or its identity document, lets it go; roles are asked apart.

Nothing here is remembered or written. People and services have no grant: their roles are all.
"""

from governance.domain import GenerationRequest, Principal, Quote
from governance.evidence.grant import covers_all, covers_item
from governance.identity.denials import denied
from governance.kernel.errors import Denied
from governance.routing.router import WORDS


def may(principal: Principal, obj: str, act: str, project: str) -> bool:
    """Whether the grant has this action and project; `project` empty for the organisation."""
    return _exceeded(principal, obj, act, project) is None


def refusal(principal: Principal, obj: str, act: str, project: str) -> Denied:
    """Why not, where `may` says no."""
    dimension, asked = _exceeded(principal, obj, act, project) or ("actions", "")
    return _refused(principal, dimension, asked)


def require_request(principal: Principal, request: GenerationRequest) -> None:
    """Territories, and the model where one is named.

    Raises Denied (`mandate_exceeded`) with the dimension, and the principal for the record.
    """
    grant = principal.grant
    if grant is None:
        return
    if not covers_all(request.territories, grant.territories):
        raise _refused(principal, "territories", ", ".join(request.territories))
    named = request.model not in ("", *WORDS)  # an import names none
    if named and not covers_item(request.model, grant.models):
        raise _refused(principal, "models", request.model)


def require_affordable(principal: Principal, quote: Quote) -> None:
    """What one generation may cost. Raises as `require_request` does."""
    grant = principal.grant
    if grant is None or not quote.amount:
        return
    if quote.currency != grant.currency:
        raise _refused(principal, "currency", quote.currency)
    if quote.amount > grant.per_call:
        raise _refused(principal, "per_call", f"{quote.amount} {quote.currency}")


def _exceeded(principal: Principal, obj: str, act: str, project: str) -> tuple[str, str] | None:
    grant = principal.grant
    if grant is None:
        return None
    if not covers_item(f"{obj}:{act}", grant.actions):
        return "actions", f"{obj}:{act}"
    if project and not covers_item(project, grant.projects):
        return "projects", project
    return None


def _refused(principal: Principal, dimension: str, asked: str) -> Denied:
    if principal.mandate:
        limit = f"mandate {principal.mandate[-1]}"
    else:
        limit = f"identity document {principal.document}"
    return denied(
        principal,
        "mandate_exceeded",
        f"{asked} lies outside the {dimension} that the {limit} grants. Ask for a mandate, or a "
        "document, that has it.",
        dimension=dimension,
        limit=limit,
    )
