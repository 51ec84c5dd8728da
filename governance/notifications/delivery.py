"""The courier: sends what is due in the outbox, many at once, each within a few seconds.

One thread with an event loop of its own: a receiver that answers slowly holds up no other, and one
that never answers is cut off.
"""

import asyncio
import logging
import ssl
import threading
import time
from collections import Counter
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx

from governance import __version__
from governance.kernel import clock
from governance.kernel.database import Database
from governance.kernel.errors import GovernanceError
from governance.kernel.sealing import Sealer
from governance.ledger import Ledger
from governance.notifications import addresses, outbox, signing
from governance.notifications.outbox import Attempt, Due

AT_ONCE = 32  # messages under way: in all, of one organisation, to one webhook
AT_ONCE_ORGANISATION, AT_ONCE_EACH = 8, 4
# A name that hangs keeps its thread for longer than the attempt lasts that asked for it.
RESOLVERS = 4 * AT_ONCE
TIMEOUT = 15.0  # seconds for one attempt, from resolving the name to the status
LEASE = timedelta(seconds=60)
IDLE, GRACE = 1.0, 2.0  # seconds
USER_AGENT = f"governance/{__version__}"
log = logging.getLogger(__name__)


class Courier:
    """Sends until `stop`.

    trusted: hosts that may be private; tls: whom to believe, the usual authorities unless given;
    idle: seconds between two looks into an empty outbox.
    """

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        sealer: Sealer,
        trusted: Collection[str],
        *,
        tls: ssl.SSLContext | None = None,
        idle: float = IDLE,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._sealer = sealer
        self._trusted = trusted
        self._tls = tls
        self._idle = idle
        self._stop = threading.Event()
        self._under_way: Counter[str] = Counter()  # by webhook
        self._owned: Counter[str] = Counter()  # by organisation
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Give what is under way a moment, then end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(RESOLVERS))
        tasks: set[asyncio.Task[None]] = set()
        # No connection is kept: the next one to that address may be meant for another host.
        limits = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(
            verify=self._tls or True, trust_env=False, timeout=TIMEOUT, limits=limits
        ) as client:
            while not self._stop.is_set():
                claimed = await self._claimed(AT_ONCE - len(tasks))
                for due in claimed:
                    self._under_way[due.webhook] += 1
                    self._owned[due.organisation] += 1
                    tasks.add(asyncio.create_task(self._deliver(client, due)))
                if tasks and not claimed:
                    _, tasks = await asyncio.wait(
                        tasks, timeout=self._idle, return_when=asyncio.FIRST_COMPLETED
                    )
                elif not tasks:
                    await asyncio.to_thread(self._stop.wait, self._idle)
            if tasks:  # what is cut off here is sent again once its lease has ended
                _, late = await asyncio.wait(tasks, timeout=GRACE)
                for task in late:
                    task.cancel()
                await asyncio.gather(*late, return_exceptions=True)

    async def _claimed(self, room: int) -> list[Due]:
        """What is due now, not more than there is room for."""
        if room <= 0:
            return []
        now = clock.now()
        full = [hook for hook, count in self._under_way.items() if count >= AT_ONCE_EACH]
        full += [name for name, count in self._owned.items() if count >= AT_ONCE_ORGANISATION]
        limit = min(room, AT_ONCE_EACH)
        try:
            with self._database.read() as session:
                if not outbox.is_due(session, now, full):
                    return []
            return await self._database.write_async(
                lambda c: outbox.claim(c, now, now + LEASE, limit=limit, full=full)
            )
        except Exception:
            log.exception("outbox unreadable")
            return []

    async def _deliver(self, client: httpx.AsyncClient, due: Due) -> None:
        try:
            attempt = await self._attempt(client, due)
            await self._database.write_async(lambda c: outbox.settle(c, self._ledger, due, attempt))
        except Exception:  # its lease ends, and it is sent again
            log.exception("delivery failed", extra={"notification": due.id})
        finally:
            self._under_way[due.webhook] -= 1
            self._owned[due.organisation] -= 1

    async def _attempt(self, client: httpx.AsyncClient, due: Due) -> Attempt:
        began, at = time.perf_counter(), clock.now()
        status, fault = None, None
        try:
            status = await asyncio.wait_for(self._post(client, due), TIMEOUT)
        except (TimeoutError, httpx.TimeoutException):
            fault = "no_answer_in_time"
        except httpx.HTTPError:
            fault = "connection_failed"
        except GovernanceError as error:
            fault = error.code
        except Exception:  # whatever a strange address does to the libraries is an attempt, too
            log.exception("notification not sent", extra={"notification": due.id})
            fault = "connection_failed"
        return Attempt(at, status, fault, round((time.perf_counter() - began) * 1000))

    async def _post(self, client: httpx.AsyncClient, due: Due) -> int:
        """The status that the receiver answers with; nothing else of its answer is read.

        The connection goes to the address that was judged; name and certificate stay the host's.
        """
        url = addresses.parse(due.url, self._trusted)
        address = await asyncio.to_thread(addresses.resolve, url, self._trusted)
        secret = self._sealer.open(due.secret, due.webhook).decode()
        headers = {
            "Host": url.netloc.decode("ascii"),
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            **signing.headers(secret, due.id, clock.now(), due.body),
        }
        request = client.build_request(
            "POST",
            url.copy_with(host=address),
            content=due.body,
            headers=headers,
            extensions={"sni_hostname": url.raw_host.decode("ascii")},
        )
        response = await client.send(request, stream=True)
        await response.aclose()
        return response.status_code
