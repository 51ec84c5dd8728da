"""A vendor's invoice as a CSV file: liberal in what its columns are called, strict in amounts.

A first row names the columns, in any order and any case. Needed: the vendor's job id (or our own
key, where the vendor repeats it), a date and an amount; the currency in a column of its own or in
the name of the amount's (`Amount (USD)`). Other columns are skipped.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from governance.kernel import clock
from governance.kernel.errors import InvalidRequest, TooLarge

MAX_BYTES = 32 * 1024 * 1024
MAX_LINES = 200_000
MAX_CELL = 300
# What a column may be called, letters and digits alone; the first that a file has is taken.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "job": ("jobid", "taskid", "generationid", "operationid", "requestid", "job", "task", "id"),
    "key": ("externaltaskid", "externalid", "clientreference", "idempotencykey", "reference"),
    "date": ("date", "usagedate", "createdat", "created", "time", "timestamp", "day"),
    "amount": ("amount", "cost", "charge", "price", "total"),
    "currency": ("currency", "currencycode"),
}
_AMOUNT = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_PRICED = re.compile(r"(amount|cost|charge|price|total)([a-z]{3})")


@dataclass(frozen=True)
class InvoiceLine:
    """One line. number: its row in the file, the first below the names being 2; names: what it
    calls the job; amount: negative for a credit."""

    number: int
    names: tuple[str, ...]
    day: date
    amount: Decimal
    currency: str


def read(data: bytes) -> list[InvoiceLine]:
    """The lines of an invoice.

    Raises InvalidRequest (`invoice_invalid`) naming the row, TooLarge (`invoice_too_large`).
    """
    if len(data) > MAX_BYTES:
        raise TooLarge("invoice_too_large", f"An invoice has at most {MAX_BYTES} bytes; split it.")
    rows = _rows(data)
    columns, currency = _columns(next(rows, []))
    found = []
    for number, row in enumerate(rows, start=2):
        if number > MAX_LINES:
            raise TooLarge("invoice_too_large", f"An invoice has at most {MAX_LINES} lines.")
        if any(cell.strip() for cell in row):
            found.append(_line(number, _cells(number, row, columns), currency))
    return found


def _rows(data: bytes) -> Iterator[list[str]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _invalid(1, "the file is not UTF-8 text") from None
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    except csv.Error as error:
        raise _invalid(1, f"the file is no CSV: {error}") from None


def _columns(head: Sequence[str]) -> tuple[dict[str, int], str]:
    """Where each column is, and the currency that the amount's name says."""
    names = [re.sub(r"[^a-z0-9]", "", name.lower()) for name in head]
    currency = ""
    for place, name in enumerate(names):
        priced = _PRICED.fullmatch(name)
        if priced:
            names[place], currency = priced[1], priced[2].upper()
    found = {
        column: names.index(alias)
        for column, aliases in COLUMNS.items()
        for alias in [next((alias for alias in aliases if alias in names), None)]
        if alias is not None
    }
    is_named = "job" in found or "key" in found
    if not is_named or not {"date", "amount"} <= found.keys():
        raise _invalid(1, "it needs columns called `job id`, `date`, `amount` and `currency`")
    if "currency" not in found and not currency:
        raise _invalid(1, "no column says the currency; call one `currency` or `amount (USD)`")
    return found, currency


def _cells(number: int, row: Sequence[str], columns: Mapping[str, int]) -> dict[str, str]:
    if len(row) <= max(columns.values()):
        raise _invalid(number, "cells are missing")
    return {column: row[place].strip() for column, place in columns.items()}


def _line(number: int, cells: Mapping[str, str], currency: str) -> InvoiceLine:
    names = tuple(cells[column] for column in ("job", "key") if cells.get(column))
    if not names or any(len(name) > MAX_CELL for name in names):
        raise _invalid(number, "it names no job")
    if not _AMOUNT.fullmatch(cells["amount"]):
        raise _invalid(
            number,
            "an amount is written 1234.56: no sign of a currency, no separator of thousands",
        )
    said = cells.get("currency", "").upper() or currency
    if not _CURRENCY.fullmatch(said):
        raise _invalid(number, "a currency is named by three letters, such as USD")
    return InvoiceLine(number, names, _day(number, cells["date"]), Decimal(cells["amount"]), said)


def _day(number: int, text: str) -> date:
    try:
        return clock.parse(text.replace(" ", "T", 1)).date()
    except ValueError:
        raise _invalid(number, "a date is written 2026-11-22, with or without a time") from None


def _invalid(number: int, why: str) -> InvalidRequest:
    return InvalidRequest("invoice_invalid", f"Row {number} of the invoice: {why}.", row=number)
