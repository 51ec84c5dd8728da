"""A page of another site cannot use a person's session."""

import pytest

from governance.identity.csrf import refuse_cross_site
from governance.kernel.errors import Denied

ORIGIN = "https://governance.example"

FROM_OUR_PAGES = [
    {"sec-fetch-site": "same-origin"},
    {"sec-fetch-site": "none"},
    {"sec-fetch-site": "same-origin", "origin": "null"},
    {"origin": ORIGIN},
]
FROM_ELSEWHERE = [
    {},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "cross-site", "origin": ORIGIN},
    {"sec-fetch-site": "Same-Origin"},
    {"origin": "null"},
    {"origin": "http://governance.example"},
    {"origin": "https://governance.example:8443"},
    {"origin": "https://governance.example.evil.example"},
    {"sec-fetch-site": "", "origin": "https://evil.example"},
]


@pytest.mark.parametrize("headers", FROM_OUR_PAGES)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_our_own_pages_may_change_things(method: str, headers: dict[str, str]) -> None:
    refuse_cross_site(method, headers, ORIGIN)


@pytest.mark.parametrize("headers", FROM_ELSEWHERE)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "ANYTHING"])
def test_others_may_not(method: str, headers: dict[str, str]) -> None:
    with pytest.raises(Denied) as refusal:
        refuse_cross_site(method, headers, ORIGIN)
    assert refusal.value.code == "cross_site_request"


@pytest.mark.parametrize("headers", FROM_ELSEWHERE)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_following_a_link_is_harmless(method: str, headers: dict[str, str]) -> None:
    refuse_cross_site(method, headers, ORIGIN)
