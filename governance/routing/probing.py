"""Models that may end any day are asked for before anybody relies on them."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from governance.kernel import clock
from governance.routing.catalogue import Catalogue
from governance.routing.model import Model
from governance.routing.provider import Provider

LASTS = timedelta(hours=1)
AGAIN = timedelta(minutes=30)
AGAIN_AFTER_NO = timedelta(minutes=1)  # which may have been a call that failed
THREAD = "probe"
ProviderOf = Callable[[str, str], Provider | None]


@runtime_checkable
class Probing(Provider, Protocol):
    """A provider that can tell, free of charge, whether a model is served."""

    def probe(self, model: str) -> bool:
        """Whether the vendor serves its model of that name to this account; asks it over HTTP.

        False without an answer.
        """


class Probes:
    """What vendors have said of late. They are asked in threads apart: no request waits for it."""

    def __init__(self, catalogue: Catalogue, provider_of: ProviderOf) -> None:
        self._doubtful = {m.id: m for m in catalogue.models if m.status == "sunset_risk"}
        self._provider_of = provider_of
        self._answers: dict[tuple[str, str], tuple[bool, datetime]] = {}
        self._asking: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def is_served(self, organisation: str, model: str) -> bool:
        """Whether the vendor has said so within the last hour; it is asked again in good time."""
        doubtful = self._doubtful.get(model)
        if doubtful is None:
            return False
        served, at = self._answers.get((organisation, model), (False, None))
        age = clock.now() - at if at else None
        if age is None or age >= (AGAIN if served else AGAIN_AFTER_NO):
            self._begin(organisation, doubtful)
        return served and age is not None and age <= LASTS

    def _begin(self, organisation: str, model: Model) -> None:
        provider = self._provider_of(organisation, model.provider or "")
        if not isinstance(provider, Probing) or not provider.configured():
            return
        key = (organisation, model.id)
        with self._lock:
            if key in self._asking:
                return
            self._asking.add(key)
        threading.Thread(
            target=self._ask, args=(key, provider, model.vendor_model), name=THREAD, daemon=True
        ).start()

    def _ask(self, key: tuple[str, str], provider: Probing, name: str) -> None:
        try:
            self._answers[key] = (provider.probe(name), clock.now())
        finally:
            with self._lock:
                self._asking.discard(key)
