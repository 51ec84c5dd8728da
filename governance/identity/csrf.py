"""Guard against requests that another site makes with a person's session cookie."""

from collections.abc import Mapping

from governance.kernel.errors import Denied

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def refuse_cross_site(method: str, headers: Mapping[str, str], origin: str) -> None:
    """To be called for every request that a session cookie authenticates.

    headers: by lower-case name; origin: the service's own, `https://host[:port]`.
    Browsers send Sec-Fetch-Site (W3C Fetch Metadata) and cannot be made to lie; older ones send
    Origin. A request with neither is not from a page of ours.
    Raises Denied (`cross_site_request`).
    """
    if method in SAFE_METHODS:
        return
    site = headers.get("sec-fetch-site")
    allowed = site in ("same-origin", "none") if site else headers.get("origin") == origin
    if not allowed:
        raise Denied(
            "cross_site_request",
            f"Send this from a page of this service, or with the header `Origin: {origin}`.",
        )
