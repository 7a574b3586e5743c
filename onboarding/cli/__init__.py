"""The `onboarding` command. Exits 0 when done, 1 when refused, 2 on wrong usage or configuration."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from onboarding.cli import check_config, connections, manifest, webhook
from onboarding.ledger import migrations
from onboarding.ledger.attempts import ID as ATTEMPT_ID
from onboarding.ledger.postgres import is_storable
from onboarding.model import Status, WhoChooses
from onboarding.model.errors import ConfigError, LinkMalformed, NothingToRetry, SchemaRefused, StoreUnavailable
from onboarding.settings import environment
from onboarding.wiring import Wiring, wire

DONE: Final = 0
REFUSED: Final = 1
WRONG: Final = 2
UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def main(argv: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if argv is None else argv)
    try:
        if given[:1] == ["sandbox"]:
            return _sandbox(given[1:])
        args = _parse(given)
        return int(args.run(args))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return WRONG


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = _parser()
    if not all(map(is_storable, argv)):
        parser.error("arguments have to be text in UTF-8")
    return parser.parse_args(_guarded(argv))


def _guarded(argv: Sequence[str]) -> Sequence[str]:
    """An attempt's id may begin with a hyphen, which does not make it an option."""
    is_id = len(argv) == 2 and ATTEMPT_ID.fullmatch(argv[1]) is not None
    return [argv[0], "--", argv[1]] if is_id and argv[0] == "retry" else argv


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="onboarding", description="Slack onboarding for Novu")
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_link(commands)
    retry = commands.add_parser("retry", help="deliver a failed attempt again")
    retry.add_argument("attempt")
    retry.set_defaults(run=_retry)
    check_config.add(commands)
    migrate = commands.add_parser("migrate", help="bring the database up to date")
    migrate.set_defaults(run=_migrate)
    connections.add(commands)
    webhook.add(commands)
    manifest.add(commands)
    _add_sandbox(commands)
    return parser


def _add_link(commands: Any) -> None:
    link = commands.add_parser("link", help="create an install link")
    link.add_argument("--subscriber", metavar="ID", help="Novu subscriber to connect")
    link.add_argument("--context", metavar="TYPE=ID", action="append", type=_context, help="may be repeated")
    link.add_argument("--shared", action="store_true", help="one connection for everyone in the context")
    link.add_argument("--integration", metavar="IDENTIFIER", help="default: NOVU_INTEGRATION_IDENTIFIER")
    link.add_argument("--identifier", metavar="IDENTIFIER", help="of the channel connection; default: the owner's own")
    link.add_argument("--account", metavar="NAME", help="what the pages call the subscriber")
    link.add_argument("--return-url", metavar="URL", help="where the last page leads")
    link.add_argument(
        "--destination",
        choices=[choosing.value for choosing in WhoChooses],
        help="who decides where notifications go; default: choose, the person who connects",
    )
    link.add_argument("--workspace", metavar="T…", help="the only Slack workspace that it may connect; default: any")
    link.add_argument("--expires-in", metavar="7d", type=_span, help="default: LINK_MAX_AGE")
    link.set_defaults(run=_link)


def _add_sandbox(commands: Any) -> None:
    """For the list of commands only: the sandbox reads its own arguments, --help included."""
    commands.add_parser("sandbox", help="try everything here, with a local Slack and Novu", add_help=False)


def _link(args: argparse.Namespace) -> int:
    made = wire(environment.load(os.environ))
    types = [type_ for type_, _ in args.context or ()]
    if len(types) != len(set(types)):
        print("context: names one type twice", file=sys.stderr)
        return WRONG
    try:
        print(_create(made, args))
    except LinkMalformed as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return WRONG
    except StoreUnavailable as error:
        print(f"{error.store} does not answer: {error.detail}.", file=sys.stderr)
        return REFUSED
    return DONE


def _create(made: Wiring, args: argparse.Namespace) -> str:
    """The address of a new link, which the admin lists from now on."""
    fields = {
        "subscriberId": args.subscriber,
        "context": dict(args.context) if args.context else None,
        "connectionMode": "shared" if args.shared else None,
        "integrationIdentifier": args.integration,
        "identifier": args.identifier,
        "account": args.account,
        "returnUrl": args.return_url,
        "destination": args.destination,
        "workspaceId": args.workspace,
    }
    link = made.minting.mint(fields, args.expires_in)
    made.minting.record(link, "the command line")
    return made.minting.url(link)


def _retry(args: argparse.Namespace) -> int:
    try:
        attempt = wire(environment.load(os.environ)).delivery.retry(args.attempt)
    except NothingToRetry as error:
        print(f"Nothing to retry: {error}.", file=sys.stderr)
        return REFUSED
    except StoreUnavailable as error:
        print(f"{error.store} does not answer: {error.detail}.", file=sys.stderr)
        return REFUSED
    print(f"{attempt.id} is {attempt.status}" + (f": {attempt.detail}" if attempt.detail else ""))
    return REFUSED if attempt.status is Status.FAILED else DONE


def _migrate(_: argparse.Namespace) -> int:
    url = environment.load(os.environ).database_url
    try:
        applied = migrations.apply(url)
    except SchemaRefused as error:
        print(f"Not migrated: {error.detail}.", file=sys.stderr)
        return REFUSED
    except StoreUnavailable as error:
        print(f"Not migrated: {error.store} does not answer ({error.detail}).", file=sys.stderr)
        return REFUSED
    print("\n".join(f"Applied {name}." for name in applied) or "The database is up to date.")
    return DONE


def _sandbox(argv: Sequence[str]) -> int:
    from onboarding.sandbox import commands  # noqa: PLC0415 (the service runs without it)

    return commands.main(argv)


def _context(text: str) -> tuple[str, str]:
    type_, _, context_id = text.partition("=")
    if not type_ or not context_id:
        raise argparse.ArgumentTypeError("must look like tenant=org-123")
    return type_, context_id


def _span(text: str) -> timedelta:
    match = re.fullmatch(r"([0-9]{1,9})([smhd]?)", text)
    if not match or int(match[1]) == 0:
        raise argparse.ArgumentTypeError("must look like 7d, 12h, 30m or 90s")
    return timedelta(seconds=int(match[1]) * UNITS[match[2] or "s"])
