"""Tables of money. Amounts are integers, millionths of the currency (ISO 4217)."""

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel


class Account(SQLModel, table=True):
    """What is set aside and spent of one budget: of a hop, of an identity document (both named by
    their digest), or of a limit in one of its periods.

    cap: as it was when money was last set aside.
    """

    __tablename__ = "budget"
    __table_args__ = (CheckConstraint("reserved >= 0", name="ck_budget_reserved"),)

    account: str = Field(primary_key=True, max_length=64)
    currency: str = Field(max_length=3)
    cap: int = Field(sa_type=BigInteger)
    reserved: int = Field(sa_type=BigInteger)
    spent: int = Field(sa_type=BigInteger)


class Reservation(SQLModel, table=True):
    """Money of an account that is set aside for a generation until its cost is known."""

    __tablename__ = "budget_reservation"

    generation: str = Field(primary_key=True, max_length=64)
    account: str = Field(primary_key=True, foreign_key="budget.account", max_length=64)
    amount: int = Field(sa_type=BigInteger)


class Limit(SQLModel, table=True):
    """How much people allow to be spent.

    scope: `organisation`, `project/<name>`, `principal/<id>` or `production/<id>`.
    """

    __tablename__ = "budget_limit"
    __table_args__ = (
        CheckConstraint("period IN ('day', 'month', 'total')", name="ck_budget_limit_period"),
        UniqueConstraint("organisation", "scope", "period", name="uq_budget_limit_scope"),
    )

    id: str = Field(primary_key=True, max_length=64)
    organisation: str = Field(max_length=64)
    scope: str = Field(max_length=80)
    period: str = Field(max_length=8)
    cap: int = Field(sa_type=BigInteger)
    currency: str = Field(max_length=3)


class RateCard(SQLModel, table=True):
    """One version of what customers are charged; it never changes.

    scope: `organisation`, `client/<name>` or `production/<id>`; version: counts from 1 in its
    scope; starts, ends: first day, and the day after the last, None for open; mark_up: percent, a
    decimal; prices: JSON.
    """

    __tablename__ = "rate_card"
    __table_args__ = (
        UniqueConstraint("organisation", "scope", "version", name="uq_rate_card_version"),
    )

    id: str = Field(primary_key=True, max_length=64)
    organisation: str = Field(max_length=64)
    scope: str = Field(max_length=80)
    version: int
    starts: date
    ends: date | None = None
    mark_up: str = Field(max_length=16)
    currency: str = Field(max_length=3)
    prices: str
