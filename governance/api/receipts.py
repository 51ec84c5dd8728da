"""Receipts: the signed records of a request and its decision, as `evidence/receipt.py` reads them.

An answer to a request names its receipt by digest (`governance.receipt`, `Governance-Receipt`).
"""

from fastapi import APIRouter
from fastapi.responses import Response
from sqlalchemy import Connection, bindparam, select

from governance.api.calls import Spent
from governance.api.permissions import requires
from governance.evidence import receipt
from governance.ledger.tables import LogRecord

router = APIRouter(prefix="/v1/governance", tags=["Evidence"])
HEADER = "Governance-Receipt"
MEDIA_TYPE = "application/x-ndjson"
_RECORDS = LogRecord.__table__  # type: ignore[attr-defined]
# A generation's first two records are written together: what was asked, and what policy answered.
_LINES = (
    select(_RECORDS.c.line)
    .where(_RECORDS.c.stream == bindparam("generation"), _RECORDS.c.seq <= 1)
    .order_by(_RECORDS.c.seq)
)
_DECISION = select(_RECORDS.c.line).where(
    _RECORDS.c.stream == bindparam("generation"), _RECORDS.c.seq == 1
)


@router.get("/generations/{generation}/receipt", response_class=Response)
@requires("generation", "read", "generation")
async def get_receipt(generation: str, call: Spent) -> Response:
    """The receipt of a request: two DSSE envelopes, one a line, exactly as signed and stored."""
    await call.story(generation)
    with call.context.database.read() as session:
        rows = session.connection().execute(_LINES, {"generation": generation})
        lines: list[bytes] = list(rows.scalars())
    headers = {HEADER: receipt.leaf(lines[-1])}
    return Response(b"".join(line + b"\n" for line in lines), 200, headers, MEDIA_TYPE)


def digest(connection: Connection, generation: str) -> str:
    """The leaf hash by which the receipt of a generation goes."""
    return receipt.leaf(connection.execute(_DECISION, {"generation": generation}).scalar_one())
