"""Every provider, as one organisation may use it."""

import logging
from collections.abc import Callable, Mapping
from importlib.util import find_spec

from sqlalchemy import Connection

from governance.kernel.errors import ConfigurationError
from governance.routing.account import Account
from governance.routing.accounts import AccountStore
from governance.routing.graphs import Graphs
from governance.routing.provider import Provider
from governance.routing.providers.comfyui import ComfyUI
from governance.routing.providers.google import Google
from governance.routing.providers.google_veo import GoogleVeo
from governance.routing.providers.kling import Kling
from governance.routing.providers.local import LocalProvider
from governance.routing.providers.luma import Luma
from governance.routing.providers.luma_agents import LumaAgents
from governance.routing.providers.openai import OpenAI
from governance.routing.providers.openai_videos import OpenAIVideos
from governance.routing.spool import Spool

log = logging.getLogger(__name__)
Makers = Mapping[str, Callable[[Account], Provider]]
# The vendor's own library that an adapter drives; without it there is no such provider.
_LIBRARIES = {
    Google.name: "google.genai",
    GoogleVeo.name: "google.genai",
    Luma.name: "lumaai",
    LumaAgents.name: "luma_agents",
    OpenAI.name: "openai",
    OpenAIVideos.name: "openai",
}


class Providers:
    """Providers by organisation and name; one object for as long as its account stays the same."""

    def __init__(self, makers: Makers, accounts: AccountStore) -> None:
        self.accounts = accounts
        self.makers = makers
        self._made: dict[tuple[str, str], tuple[Account, Provider | None]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.makers))

    def get(self, organisation: str, name: str) -> Provider | None:
        """As of the last look at the accounts; None where there is no adapter of that name, or its
        account cannot be used."""
        maker = self.makers.get(name)
        if maker is None:
            return None
        account = self.accounts.get(organisation, name)
        known = self._made.get((organisation, name))
        if known is None or known[0] != account:
            known = self._made[organisation, name] = (account, _made(name, maker, account))
        return known[1]

    def refresh(self) -> None:
        self.accounts.refresh()

    def as_of(self, connection: Connection, number: int) -> None:
        self.accounts.as_of(connection, number)


def _made(name: str, maker: Callable[[Account], Provider], account: Account) -> Provider | None:
    try:
        return maker(account)
    except ConfigurationError as error:
        log.error("account unusable", extra={"provider": name, "code": error.code})
        return None


def makers(local: LocalProvider, spool: Spool, graphs: Graphs) -> Makers:
    """All adapters whose libraries are installed; these are imported when they are first used."""
    every: Makers = {
        local.name: lambda _: local,
        ComfyUI.name: lambda account: ComfyUI(account, graphs),
        Google.name: lambda account: Google(account, spool),
        GoogleVeo.name: GoogleVeo,
        Kling.name: Kling,
        Luma.name: Luma,
        LumaAgents.name: LumaAgents,
        OpenAI.name: lambda account: OpenAI(account, spool),
        OpenAIVideos.name: OpenAIVideos,
    }
    return {name: maker for name, maker in every.items() if _is_installed(name)}


def _is_installed(provider: str) -> bool:
    library = _LIBRARIES.get(provider)
    if library is None:
        return True
    try:
        return find_spec(library) is not None
    except ModuleNotFoundError:  # not even the package around it
        return False
