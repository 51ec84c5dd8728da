"""`governance productions`: from the operator's own machine, without a running server."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from governance.cli import main
from governance.cli.data import published
from governance.domain import Quote
from governance.kernel import clock
from governance.lifecycle import producing
from governance.productions.terms import Terms, Texts

Run = Callable[..., str]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("productions") / "data"
    main(["init", "--data", str(folder)])
    return folder


@pytest.fixture
def run(data: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command on the folder; what it prints, be it its result or why it was refused."""

    def command(*arguments: str, fails: bool = False) -> str:
        status = main(["productions", *arguments, "--data", str(data)])
        printed = capsys.readouterr()
        assert status == (1 if fails else 0), printed.err
        return printed.err if fails else printed.out

    return command


def test_productions_are_listed_shown_and_drawn(run: Run, data: Path) -> None:
    assert run("list") == ""
    with published(data) as context:
        terms = Terms("spring", "launch", ("EU",), clock.now().date(), budget=Quote(Decimal(50)))
        made = producing.create(
            context, context.settings.organisation, terms, Texts("Meadow Tea"), "service"
        )
    assert run("list") == f"{made.production}  open     launch  spring\n"
    shown = run("show", made.production)
    for line in ("client       Meadow Tea", "budget       50 USD", "saved        nothing"):
        assert line in shown
    graph = json.loads(run("lineage", made.production))
    assert graph == {"nodes": [], "edges": [], "outside": []}
    assert "has no production" in run("show", "prd_unknown", fails=True)
