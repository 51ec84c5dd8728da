"""Money on the command line: budgets, rate cards, chargebacks, invoices."""

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from governance.cli import main

Run = Callable[..., str]
PERIOD = ("--from", "2026-01-01", "--to", "2999-01-01")
INVOICE = "job id,date,amount,currency\n{job},2026-06-01,0.05,USD\n"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spending") / "data"
    main(["init", "--data", str(folder)])
    return folder


@pytest.fixture
def run(data: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command on the folder; what it prints, be it its result or why it was refused."""

    def command(*arguments: str, status: int = 0) -> str:
        assert main([*arguments, "--data", str(data)]) == status
        printed = capsys.readouterr()
        return printed.out or printed.err

    return command


def test_budgets_are_set_listed_and_removed(run: Run) -> None:
    (budget,) = re.findall(r"bud_\w+", run("budgets", "set", "project/film", "day", "25"))
    assert re.search(
        rf"{budget}  project/film  day  25 USD left of 25 .*renews", run("budgets", "list")
    )
    assert "three letters" in run(
        "budgets", "set", "organisation", "day", "1", "--currency", "euro", status=1
    )
    run("budgets", "remove", budget)
    assert budget not in run("budgets", "list")
    assert "no budget" in run("budgets", "remove", budget, status=1)


def test_rate_cards_are_added_and_listed(run: Run) -> None:
    terms = ("--from", "2026-06-01", "--mark-up", "12.5", "--price", "luma/*=0.25+1")
    assert "version 1" in run("rate-cards", "add", *terms)
    listed = run("rate-cards", "list")
    assert "cost + 12.5 %" in listed
    assert "luma/*  0.25 USD a second + 1" in listed
    assert "--price" in run("rate-cards", "add", *terms[:4], "--price", "luma", status=1)


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_chargeback_is_written_and_named_by_its_digest(
    run: Run, tmp_path: Path, form: str
) -> None:
    out = tmp_path / f"june.{form}"
    printed = run("chargeback", *PERIOD, "-o", str(out))
    assert hashlib.sha256(out.read_bytes()).hexdigest() in printed
    if form == "csv":
        (head,) = csv.reader(io.StringIO(out.read_text()))
        assert head[0] == "generation"
    else:
        assert json.loads(out.read_text())["lines"] == []


def test_an_invoice_with_a_line_of_nobody_is_not_complete(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "invoice.csv"
    path.write_text(INVOICE.format(job="video_of_nobody"))
    given = ("reconcile", str(path), "--provider", "openai-videos", *PERIOD)
    told = run(*given, status=1)
    assert "vendor only: 1" in told
    assert "video_of_nobody" in told
    assert json.loads(run(*given, "--json", status=1))["vendor_only"][0]["row"] == 2


def test_an_invoice_that_agrees_is_complete(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "invoice.csv"
    path.write_text(INVOICE.splitlines()[0])
    told = run("reconcile", str(path), "--provider", "openai-videos", *PERIOD)
    assert "matched: 0" in told


def test_an_invoice_that_cannot_be_read_says_where(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "invoice.csv"
    path.write_text(INVOICE.format(job="j").replace("0.05", "0,05"))
    assert "Row 2" in run("reconcile", str(path), "--provider", "openai-videos", *PERIOD, status=1)
    assert "No provider" in run("reconcile", str(path), "--provider", "nobody", *PERIOD, status=1)
