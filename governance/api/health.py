"""`/healthz`: for load balancers and monitors; needs no credential and tells nothing else."""

from datetime import timedelta

from fastapi import APIRouter, Request
from sqlalchemy.exc import SQLAlchemyError

from governance.api.permissions import open_to_all
from governance.kernel import clock
from governance.kernel.errors import Unavailable
from governance.ledger.publisher import oldest_unpublished
from governance.lifecycle.context import Context

router = APIRouter(tags=["Service"])
# Beyond the checkpoint interval; a busy disk is no illness yet.
PATIENCE = timedelta(seconds=10)


@router.get("/healthz", responses={503: {"description": "`database_down` or `log_late`"}})
@open_to_all
def healthz(request: Request) -> dict[str, str]:
    """Whether the database answers and every record gets into a checkpoint in time."""
    context: Context = request.app.state.context
    try:
        with context.database.read() as session:
            oldest = oldest_unpublished(session)
    except SQLAlchemyError:
        raise Unavailable("database_down", "The database does not answer.") from None
    late = timedelta(seconds=context.settings.checkpoint_interval) + PATIENCE
    if oldest is not None and clock.now() - oldest > late:
        raise Unavailable("log_late", "Records wait for a checkpoint; see the service's log.")
    return {"status": "ok"}
