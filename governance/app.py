"""Wiring: the capabilities of one process, and the HTTP application over them."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from fastapi import Depends, FastAPI
from sqlalchemy import Connection, select
from sqlmodel import col

from governance import __version__, migrations
from governance.api import (
    accounts,
    agents,
    authenticators,
    budgets,
    checks,
    consents,
    decisions,
    detection,
    errors,
    events,
    external_identities,
    generations,
    health,
    images,
    log,
    mandates,
    mcp,
    outcomes,
    people,
    policies,
    productions,
    rate_cards,
    receipts,
    reviews,
    roles,
    services,
    soft_bindings,
    speech,
    switches,
    videos,
    waivers,
    webhooks,
)
from governance.api.description import describe
from governance.api.events import Watch
from governance.api.intake import STRANGERS, Intake
from governance.api.permissions import refuse_undeclared
from governance.api.rates import Rates
from governance.api.request_ids import RequestIds
from governance.evidence.record import load as load_record
from governance.identity import expiry, issuers
from governance.identity.delegation import Delegations
from governance.identity.people import NewPerson, first_administrator
from governance.identity.switches import SwitchStore
from governance.kernel import clock, sealing
from governance.kernel.database import Database
from governance.kernel.errors import Conflict
from governance.kernel.media import MediaStore
from governance.kernel.sealing import Sealer
from governance.kernel.settings import Settings
from governance.ledger import SERVICE, Entry, Ledger, keyring
from governance.ledger.publisher import Publisher
from governance.ledger.tables import LogRecord
from governance.lifecycle.context import Context
from governance.lifecycle.engine import Engine
from governance.marking.credentials import configured
from governance.marking.registry import MarkIndex
from governance.marking.watermark import keys as watermark_keys
from governance.notifications import outbox
from governance.notifications.delivery import Courier
from governance.policy import Policy, assignments, domain_of, load, versions
from governance.policy.store import PolicyStore
from governance.review import reasons
from governance.routing import catalogue, tiers
from governance.routing.account import Account
from governance.routing.accounts import AccountStore
from governance.routing.graphs import APPROVAL, Graphs
from governance.routing.health import Health
from governance.routing.knowledge import Knowledge
from governance.routing.measurements import Measurements
from governance.routing.probing import Probes
from governance.routing.providers.local import LocalProvider
from governance.routing.registry import Providers, makers
from governance.routing.router import Router
from governance.routing.spool import Spool
from governance.screening import prompt
from governance.web.federation import FederationService
from governance.web.routes import router
from governance.web.service import ServiceBackend

ADMINISTRATOR_NAME = "admin"
STAGING_LIFE = timedelta(days=1)
SPOOL_LIFE = timedelta(days=7)  # far longer than a generation may take
STRANGERS_LIFE = timedelta(minutes=15)  # longer than a detection may take


@dataclass(frozen=True)
class Platform:
    """Everything that runs in one process. `first`: the administrator made at first start."""

    context: Context
    publisher: Publisher
    engine: Engine
    courier: Courier
    first: NewPerson | None

    def start(self) -> None:
        """Check the log, then publish and (where it is switched on) run the engine.

        Raises IntegrityError (`log_forked`).
        """
        self.publisher.start()
        if self.context.settings.engine:
            self.engine.start()
            self.courier.start()

    def stop(self) -> None:
        self.courier.stop()
        self.engine.stop()
        self.publisher.stop()
        self.context.database.close()


def open_platform(settings: Settings) -> Platform:
    """Open the data folder (made at first start), load what people edit, wire it all.

    Raises ConfigurationError: nothing starts with a fault in keys, policies or settings.
    """
    policy = load(settings.policies_dir)
    models = catalogue.load(settings.policies_dir)
    words = tiers.load(settings.policies_dir)
    prompt_rules = prompt.load(settings.policies_dir)
    why = reasons.load(settings.policies_dir)
    vouching = issuers.load(settings.policies_dir)
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys = keyring.load_or_create(settings.keys_dir, settings.log_origin)
    database = Database(settings.database)
    migrations.upgrade(database)
    ledger = Ledger(keys)
    database.write(lambda c: _record_keys(c, ledger))
    database.write(lambda c: versions.keep(c, ledger, policy))
    first = database.write(lambda c: _first_administrator(c, ledger, settings.organisation, policy))
    sealer = sealing.load_or_create(settings.keys_dir)
    providers = _providers(settings, database, sealer, keys)
    health, probes = Health(models), Probes(models, providers.get)
    measurements = Measurements(database, models)
    knowledge = Knowledge(models, health, measurements.of, probes.is_served)
    context = Context(
        settings=settings,
        database=database,
        ledger=ledger,
        media=MediaStore(settings.data_dir / "media", settings.min_free_disk),
        policies=PolicyStore(database, policy),
        switches=SwitchStore(database),
        delegations=Delegations(keys.manifest),
        issuers=vouching,
        catalogue=models,
        router=Router(models, words, providers.get, knowledge),
        health=health,
        knowledge=knowledge,
        providers=providers,
        authority=configured.load(settings),
        watermark_keys=watermark_keys.load_or_create(settings.keys_dir),
        marks=MarkIndex(database),
        sealer=sealer,
        prompt_rules=prompt_rules,
        reasons=why,
    )
    guard = settings.data_dir / "last-checkpoint"
    publisher = Publisher(database, keys, guard, settings.checkpoint_interval)
    engine = Engine(context, housekeep=lambda: _housekeep(context))
    courier = Courier(database, ledger, sealer, settings.trusted_webhook_hosts)
    return Platform(context, publisher, engine, courier, first)


def create_app(platform: Platform) -> FastAPI:
    """The HTTP application; starts and stops the platform with its own lifespan."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        platform.start()
        # What is there by now stays: looking through it for garbage would stop every request.
        gc.collect()
        gc.freeze()
        yield
        gc.unfreeze()
        app.state.intake.stop()
        platform.stop()

    app = FastAPI(
        title="Governance service for AI media generation",
        version=__version__,
        lifespan=lifespan,
        # These pages load scripts from a foreign host; `/openapi.json` is all they show.
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(refuse_undeclared)],
    )
    app.state.context = platform.context
    app.state.engine = platform.engine
    settings = platform.context.settings
    app.state.rates = Rates(
        settings.rate_limit, settings.rate_limit_expensive, settings.rate_limit_detect
    )
    app.state.watch = Watch(platform.context.database)
    app.state.intake = Intake(settings.max_detections)
    errors.install(app)
    app.add_middleware(RequestIds)
    for module in (
        videos,
        images,
        speech,
        generations,
        events,
        decisions,
        checks,
        receipts,
        reviews,
        log,
        people,
        services,
        roles,
        agents,
        authenticators,
        external_identities,
        consents,
        mandates,
        policies,
        waivers,
        productions,
        accounts,
        budgets,
        rate_cards,
        outcomes,
        switches,
        webhooks,
        detection,
        soft_bindings,
        mcp,
        health,
    ):
        app.include_router(module.router, responses=errors.RESPONSES)
    describe(app, platform.context.policies.policy)
    federation = FederationService(platform.context) if settings.oidc_issuer else None
    app.include_router(router(ServiceBackend(platform.context, platform.engine), federation))
    return app


def _providers(
    settings: Settings, database: Database, sealer: Sealer, keys: keyring.Keyring
) -> Providers:
    local = LocalProvider(settings.data_dir / "local-jobs")
    spool = Spool.of(settings.data_dir)
    defaults = {
        name: Account(given.key, given.secret, given.base_url, given.project, given.location)
        for name, given in settings.providers.items()
    }
    graphs = Graphs(settings.policies_dir, settings.data_dir / APPROVAL, keys.record.public)
    accounts = AccountStore(database, sealer, defaults, settings.trusted_provider_hosts)
    return Providers(makers(local, spool, graphs), accounts)


def _record_keys(connection: Connection, ledger: Ledger) -> None:
    """The key manifest in force is on record, so that a swapped one shows."""
    current = ledger.keyring.manifest
    known = connection.execute(
        select(col(LogRecord.line)).where(col(LogRecord.event) == "key.changed")
    ).scalars()
    if any(load_record(line).body["manifest"] == current.digest for line in known):
        return
    body = {
        "version": current.version,
        "manifest": current.digest,
        "keys": [{"role": grant.role, "keyid": grant.keyid} for grant in current.grants],
    }
    ledger.append(connection, Entry(stream=SERVICE, event="key.changed", body=body))


def _first_administrator(
    connection: Connection, ledger: Ledger, organisation: str, policy: Policy
) -> NewPerson | None:
    """On whose word everyone else comes; None when the service has people already."""
    try:
        made = first_administrator(
            connection,
            ledger,
            organisation=organisation,
            username=ADMINISTRATOR_NAME,
            name="First administrator",
        )
    except Conflict:
        return None
    assignments.grant(
        connection,
        ledger,
        policy,
        subject=made.id,
        role=assignments.ADMINISTRATOR,
        domain=domain_of(organisation),
        by=SERVICE,
    )
    return made


def _housekeep(context: Context) -> None:
    """What accumulates otherwise: spent nonces, ended sessions, files of dead processes."""
    while context.database.write(expiry.purge_expired):
        continue
    while context.database.write(outbox.purge):
        continue
    context.media.sweep(clock.now() - STAGING_LIFE)
    context.media.sweep(clock.now() - STRANGERS_LIFE, STRANGERS)
    Spool.of(context.settings.data_dir).sweep(clock.now() - SPOOL_LIFE)
