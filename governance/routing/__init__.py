"""Which model makes it, at what price, and how vendors are asked."""

from governance.routing.catalogue import Catalogue
from governance.routing.catalogue import load as load_catalogue
from governance.routing.model import Model
from governance.routing.provider import Fault, FaultKind, Job, Order, Provider, Status
from governance.routing.router import Router

__all__ = [
    "Catalogue",
    "Fault",
    "FaultKind",
    "Job",
    "Model",
    "Order",
    "Provider",
    "Router",
    "Status",
    "load_catalogue",
]
