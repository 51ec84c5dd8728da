"""Invoices: read liberally in names, strictly in amounts, and held against the records."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.kernel.errors import InvalidRequest, TooLarge
from governance.spending import invoices
from governance.spending.attempts import Attempt
from governance.spending.invoices import InvoiceLine, read
from governance.spending.reconciliation import Reconciliation, counts, reconcile, sums

START, END = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
MIDDLE = datetime(2026, 6, 15, tzinfo=UTC)


def order(job: str | None = "job-1", **changes: Any) -> Attempt:
    given: dict[str, Any] = {
        "generation": f"gen_{job}",
        "number": 1,
        "provider": "kling",
        "model": "kling-v3",
        "key": f"gen_{job}",
        "at": MIDDLE,
        "amount": Decimal("0.50"),
        "currency": "USD",
        "outcome": "made",
        "job": job,
    }
    return Attempt(**{**given, **changes})


def line(*names: str, amount: str = "0.50", currency: str = "USD") -> InvoiceLine:
    return InvoiceLine(2, names or ("job-1",), date(2026, 6, 15), Decimal(amount), currency)


def held(lines: list[InvoiceLine], *orders: Attempt) -> Reconciliation:
    return reconcile(lines, orders, START, END)


class TestReading:
    @pytest.mark.parametrize(
        "text",
        [
            "job_id,date,amount,currency\nj-1,2026-06-15,0.50,USD\n",
            "Currency;Task ID;Created At;Total\r\nusd;j-1;2026-06-15 10:30:00;0.50\r\n",
            "\ufeffJob-ID,Amount (USD),Usage Date,Note\nj-1,0.50,2026-06-15T10:30:00Z,any\n\n",
            '"id"\t"date"\t"cost"\t"currency"\n"j-1"\t"2026-06-15"\t" 0.50 "\t"USD"\n',
        ],
    )
    def test_columns_may_be_called_and_ordered_as_vendors_do(self, text: str) -> None:
        (found,) = read(text.encode())
        assert (found.names, found.day) == (("j-1",), date(2026, 6, 15))
        assert (found.amount, found.currency) == (Decimal("0.50"), "USD")

    def test_our_own_key_is_read_where_the_vendor_repeats_it(self) -> None:
        head = "task id,external task id,date,amount,currency\n"
        first, second = read(f"{head}j,gen_1,2026-06-15,1,USD\n,gen_2,2026-06-15,-1,USD".encode())
        assert first.names == ("j", "gen_1")
        assert (second.names, second.amount) == (("gen_2",), Decimal(-1))

    @pytest.mark.parametrize(
        "amount", ["1,000.00", "$1", "1.0000001", "1e3", "", ".5", "1 000", "٣", "--1", "NaN"]
    )
    def test_an_amount_that_could_be_misread_is_refused_with_its_row(self, amount: str) -> None:
        with pytest.raises(InvalidRequest) as caught:
            read(f"id;date;amount;currency\nj;2026-06-15;{amount};USD\n".encode())
        assert caught.value.code == "invoice_invalid"
        assert "Row 2" in caught.value.message

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "id,date,amount\nj,2026-06-15,1\n",
            "date,amount,currency\n2026-06-15,1,USD\n",
            "id,date,amount,currency\nj,15/06/2026,1,USD\n",
            "id,date,amount,currency\nj,2026-06-15,1\n",
            "id,date,amount,currency\nj,2026-06-15,1,dollars\n",
            "id,date,amount,currency\n,2026-06-15,1,USD\n",
            'id,date,amount,currency\n"j,2026-06-15,1,USD\n',
        ],
    )
    def test_what_is_no_invoice_is_refused(self, text: str) -> None:
        with pytest.raises(InvalidRequest) as caught:
            read(text.encode())
        assert caught.value.code == "invoice_invalid"

    def test_what_is_no_text_is_refused(self) -> None:
        with pytest.raises(InvalidRequest):
            read(b"\xff\xfe\x00")

    def test_a_file_without_end_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(invoices, "MAX_BYTES", 10)
        with pytest.raises(TooLarge):
            read(b"id,date,amount,currency\n")

    @given(st.binary(max_size=200))
    def test_whatever_comes_is_read_or_refused(self, data: bytes) -> None:
        try:
            read(data)
        except InvalidRequest as error:
            assert error.code == "invoice_invalid"


class TestMatching:
    def test_what_both_know_matches_with_its_difference(self) -> None:
        result = held([line(amount="0.60")], order())
        (match,) = result.matched
        assert (match.invoiced, match.difference) == (Decimal("0.60"), Decimal("0.10"))
        assert result.is_complete
        assert counts(result)["differing"] == 1

    def test_an_order_that_the_invoice_lacks_is_ours_only(self) -> None:
        result = held([], order())
        assert [one.job for one in result.ours_only] == ["job-1"]
        assert not result.is_complete

    def test_a_line_without_an_order_is_the_vendors_only(self) -> None:
        result = held([line("stranger")], order())
        assert result.vendor_only == [line("stranger")]
        assert not result.is_complete

    def test_an_unknown_order_is_resolved_by_its_key(self) -> None:
        lost = order(None, outcome="unknown", key="gen_7")
        result = held([line("job-9", "gen_7")], lost)
        assert [match.order for match in result.resolved] == [lost]
        assert result.is_complete

    def test_of_attempts_that_share_a_key_the_unknown_one_is_meant(self) -> None:
        failed = order("job-1", outcome="failed", amount=Decimal(0), key="gen_7")
        lost = order(None, generation="gen_job-1", number=2, outcome="unknown", key="gen_7")
        result = held([line("gen_7")], failed, lost)
        assert [match.order for match in result.resolved] == [lost]

    def test_an_unknown_order_that_is_not_billed_stays_open(self) -> None:
        assert len(held([], order(outcome="unknown")).ours_only) == 1

    @pytest.mark.parametrize(
        "changes",
        [
            {"outcome": "failed", "amount": Decimal(0)},
            {"outcome": "sent"},
            {"amount": Decimal(0)},
            {"at": END},
            {"at": datetime(2026, 5, 31, 23, 59, tzinfo=UTC)},
        ],
    )
    def test_what_needs_no_line_is_not_missed(self, changes: dict[str, Any]) -> None:
        assert held([], order(**changes)).is_complete

    def test_a_job_of_last_month_that_is_billed_now_matches(self) -> None:
        result = held([line()], order(at=datetime(2026, 5, 31, tzinfo=UTC)))
        assert len(result.matched) == 1

    def test_a_job_that_is_billed_twice_shows_as_a_difference(self) -> None:
        (match,) = held([line(), line()], order()).matched
        assert (len(match.lines), match.difference) == (2, Decimal("0.50"))

    def test_a_credit_is_taken_off(self) -> None:
        (match,) = held([line(), line(amount="-0.50")], order(amount=Decimal(0))).matched
        assert match.difference == 0

    def test_another_currency_is_not_compared(self) -> None:
        result = held([line(currency="EUR")], order())
        assert result.matched[0].difference is None
        assert not result.is_complete
        assert sums(result) == [
            {"currency": "EUR", "invoiced": "0.50", "recorded": "0"},
            {"currency": "USD", "invoiced": "0", "recorded": "0.50"},
        ]

    @given(known=st.sets(st.integers(0, 20)), billed=st.lists(st.integers(0, 20), max_size=30))
    def test_every_line_and_every_order_is_accounted_for_once(
        self, known: set[int], billed: list[int]
    ) -> None:
        result = held([line(f"job-{n}") for n in billed], *(order(f"job-{n}") for n in known))
        assert {match.order.job for match in result.matched} == {
            f"job-{n}" for n in known & set(billed)
        }
        assert len(result.ours_only) == len(known - set(billed))
        lines = sum(len(match.lines) for match in result.matched) + len(result.vendor_only)
        assert lines == len(billed)
