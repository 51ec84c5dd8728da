"""When somebody has to prove again who they are."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.identity import step_up
from governance.kernel import clock
from governance.kernel.errors import Denied


@pytest.mark.parametrize(
    ("method", "obj", "act", "is_due"),
    [
        ("POST", "person", "manage", True),
        ("DELETE", "role", "manage", True),
        ("POST", "waiver", "decide", True),
        ("GET", "person", "manage", False),
        ("POST", "generation", "create", False),
        ("POST", "review", "decide", False),
        ("POST", "switch", "manage", False),
    ],
)
def test_changing_who_may_do_what_needs_it_and_looking_does_not(
    method: str, obj: str, act: str, is_due: bool
) -> None:
    assert step_up.is_due(method, obj, act) is is_due


@given(st.floats(1, 1e6))
def test_whoever_proved_it_within_the_window_is_fresh(window: float) -> None:
    now = clock.now()
    step_up.require_fresh(now, window)
    with pytest.raises(Denied) as error:
        step_up.require_fresh(now - timedelta(seconds=window + 1), window)
    assert error.value.code == "step_up_required"
