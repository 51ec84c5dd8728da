"""Commands for the kill switch: stop, resume, switches. They work beside a running service."""

import argparse

from governance.cli.data import Commands, add_data, published

COMMENT = "free text for the record; kept apart from it and erasable"


def add_to(commands: Commands) -> None:
    stop = commands.add_parser("stop", help="throw a kill switch")
    stop.add_argument("scope", metavar="SCOPE", help="*, organisation:…, agent:…, model:…, …")
    stop.add_argument("--reason", required=True, help="a code, such as incident")
    stop.set_defaults(run=_stop)

    resume = commands.add_parser("resume", help="lift a kill switch")
    resume.add_argument("scope", metavar="SCOPE", help="as `governance switches` names it")
    resume.add_argument("--reason", default="resolved", help="a code (default: resolved)")
    resume.add_argument("--organisation", help="whose switch (default: the service's own)")
    resume.set_defaults(run=_resume)

    for change in (stop, resume):
        change.add_argument("--comment", default="", help=COMMENT)
        add_data(change)

    listed = commands.add_parser("switches", help="list what is stopped")
    add_data(listed)
    listed.set_defaults(run=_list)


def _stop(options: argparse.Namespace) -> int:
    from governance.identity import switches
    from governance.ledger import SERVICE
    from governance.lifecycle import stops

    reason = switches.checked_reason(options.reason)
    with published(options.data) as context:
        operator = context.settings.organisation
        context.database.write(
            lambda c: switches.throw(
                c,
                context.ledger,
                options.scope,
                organisation=operator,
                operator=operator,
                known=stops.known(context),
                reason=reason,
                by=SERVICE,
                comment=options.comment,
            )
        )
    print(f"Stopped: {options.scope}")
    return 0


def _resume(options: argparse.Namespace) -> int:
    from governance.identity import switches
    from governance.ledger import SERVICE

    reason = switches.checked_reason(options.reason)
    with published(options.data) as context:
        context.database.write(
            lambda c: switches.lift(
                c,
                context.ledger,
                options.scope,
                organisation=options.organisation or context.settings.organisation,
                reason=reason,
                by=SERVICE,
                comment=options.comment,
            )
        )
    print(f"Lifted: {options.scope}")
    return 0


def _list(options: argparse.Namespace) -> int:
    from governance.identity import switches
    from governance.kernel import clock

    with published(options.data) as context:
        operator = context.settings.organisation
        with context.database.read() as session:
            found = switches.list_switches(session, operator, operator=operator)
    for switch in found:
        since = clock.rfc3339(switch.thrown_at)
        print(f"{switch.scope}  {switch.reason}, since {since}, thrown by {switch.organisation}")
    if not found:
        print("Nothing is stopped.")
    return 0
