"""What the lifecycle works with: the capabilities, wired once at start."""

from collections.abc import Mapping
from dataclasses import dataclass

from governance.identity.delegation import Delegations
from governance.identity.issuers import Issuer
from governance.identity.switches import SwitchStore
from governance.kernel.database import Database
from governance.kernel.media import MediaStore
from governance.kernel.sealing import Sealer
from governance.kernel.settings import Settings
from governance.ledger import Ledger
from governance.marking.credentials.authority import Authority
from governance.marking.registry import MarkIndex
from governance.marking.watermark.keys import WatermarkKeys
from governance.policy.store import PolicyStore
from governance.review.reasons import Reasons
from governance.routing.catalogue import Catalogue
from governance.routing.health import Health
from governance.routing.knowledge import Knowledge
from governance.routing.registry import Providers
from governance.routing.router import Router
from governance.screening.prompt import PromptRules


@dataclass(frozen=True)
class Context:
    """Everything a step or a command may use. Immutable; policy is read through its store."""

    settings: Settings
    database: Database
    ledger: Ledger
    media: MediaStore
    policies: PolicyStore
    switches: SwitchStore
    delegations: Delegations
    issuers: Mapping[str, Issuer]
    catalogue: Catalogue
    router: Router
    health: Health
    knowledge: Knowledge
    providers: Providers
    authority: Authority
    watermark_keys: WatermarkKeys
    marks: MarkIndex
    sealer: Sealer
    prompt_rules: PromptRules
    reasons: Reasons
