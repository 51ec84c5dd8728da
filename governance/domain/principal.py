"""Who is asking."""

from dataclasses import dataclass
from typing import Literal

from governance.domain.grant import Grant

PrincipalKind = Literal["agent", "service", "person"]
# A: signature over the body; B: proof of possession; C: bearer, API key or session.
Assurance = Literal["A", "B", "C"]


@dataclass(frozen=True)
class Principal:
    """An authenticated caller.

    id: `agt_…`, `svc_…` or `usr_…`; organisation: the domain it belongs to;
    accountable: the person (`usr_…`) who answers for it, itself for a person;
    chain: identities from the accountable person down to the caller, both included;
    document: sha256 of an agent's identity document; mandate: sha256 of each hop of the
    delegation that was presented, in order; grant: the narrowest of ceiling and hops, None for
    whom none limits.
    """

    kind: PrincipalKind
    id: str
    organisation: str
    accountable: str
    assurance: Assurance
    chain: tuple[str, ...]
    name: str = ""  # for screens only; never in a record in the clear
    document: str = ""
    mandate: tuple[str, ...] = ()
    grant: Grant | None = None
