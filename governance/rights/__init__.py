"""Whose likeness or voice may be shown: consents of the people concerned."""

from governance.rights.consents import NewConsent, Scope

__all__ = ["NewConsent", "Scope"]
