"""Commands for accounts with vendors: accounts list, set, remove. Secrets come by a prompt."""

import argparse
import getpass
import sys

from governance.cli.data import Commands, add_data, published

SECRETS = ("key", "secret")
OTHERS = ("base_url", "project", "location")


def add_to(commands: Commands) -> None:
    accounts = commands.add_parser("accounts", help="accounts with vendors")
    actions = accounts.add_subparsers(dest="action", required=True)

    listed = actions.add_parser("list", help="which providers are configured")
    listed.set_defaults(run=_list)

    set_ = actions.add_parser("set", help="set an account; asks for its key")
    set_.add_argument("provider", metavar="PROVIDER", help="as `governance accounts list` names it")
    set_.add_argument("--secret", action="store_true", help="ask for the other half of a pair, too")
    for name in OTHERS:
        set_.add_argument(f"--{name.replace('_', '-')}", default="", help="see the README, Vendors")
    set_.set_defaults(run=_set)

    remove = actions.add_parser("remove", help="forget an account")
    remove.add_argument("provider", metavar="PROVIDER")
    remove.set_defaults(run=_remove)

    for action in (listed, set_, remove):
        action.add_argument("--organisation", help="whose (default: the service's own)")
        add_data(action)


def _list(options: argparse.Namespace) -> int:
    from governance.routing import accounts

    with published(options.data) as context:
        organisation = options.organisation or context.settings.organisation
        with context.database.read() as session:
            own = accounts.own(session, organisation)
        for name in context.providers.names:
            provider = context.providers.get(organisation, name)
            is_configured = provider is not None and provider.configured()
            whose = "own account" if name in own else "operator's account"
            print(f"{name:<16}{whose if is_configured else 'not configured'}")
    return 0


def _set(options: argparse.Namespace) -> int:
    from governance.ledger import SERVICE
    from governance.routing import accounts

    fields = {name: getattr(options, name) for name in OTHERS if getattr(options, name)}
    fields["key"] = _asked(f"Key at {options.provider}: ")
    if options.secret:
        fields["secret"] = _asked(f"Secret at {options.provider}: ")
    with published(options.data) as context:
        organisation = options.organisation or context.settings.organisation
        accounts.require_provider(options.provider, context.providers.names)
        trusted = context.providers.accounts.trusted
        if options.base_url:
            accounts.require_public(options.base_url, trusted)
        context.database.write(
            lambda c: accounts.set_account(
                c,
                context.ledger,
                context.sealer,
                organisation=organisation,
                provider=options.provider,
                fields=fields,
                by=SERVICE,
                trusted=trusted,
            )
        )
    print(f"{organisation} has an account at {options.provider}.")
    return 0


def _remove(options: argparse.Namespace) -> int:
    from governance.ledger import SERVICE
    from governance.routing import accounts

    with published(options.data) as context:
        organisation = options.organisation or context.settings.organisation
        context.database.write(
            lambda c: accounts.remove_account(
                c,
                context.ledger,
                organisation=organisation,
                provider=options.provider,
                by=SERVICE,
            )
        )
    print(f"{organisation} has no account of its own at {options.provider} any more.")
    return 0


def _asked(question: str) -> str:
    """Typed without echo, or one line of a pipe: never an argument, which others could see."""
    if sys.stdin.isatty():
        return getpass.getpass(question)
    return sys.stdin.readline().rstrip("\n")
