"""`onboarding connections`: look at and change the channel connections that Novu holds."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any, Final

from onboarding.cli import endpoints
from onboarding.clock.deadline import Deadline
from onboarding.flows.disconnect import Disconnected, Outcome
from onboarding.model import Connection
from onboarding.model.errors import NovuError, StoreUnavailable
from onboarding.model.names import clean_name, one_line
from onboarding.remote.novu import Filter, Novu
from onboarding.settings import environment
from onboarding.wiring import Wiring, wire

DONE: Final = 0
REFUSED: Final = 1
SECONDS: Final = 30.0
TRIES: Final = 4
PER_PAGE: Final = 100
REFUSALS: Final = {
    Outcome.ALREADY_GONE: "Novu: 404: there is no such connection",
    Outcome.BUSY: "something else for its owner is under way",
}
NOT_DELETED: Final = "Not deleted: {why}."
GOES_ON: Final = "Not deleted yet: {why}. A worker goes on until it is."
NOT_NOTED: Final = "PostgreSQL did not answer in the end. A worker writes it down."
COLUMNS: Final = (("IDENTIFIER", 40), ("WORKSPACE", 24), ("SUBSCRIBER", 20), ("CONTEXT", 24), ("UPDATED", 16))

Run = Callable[[Wiring, argparse.Namespace], int]


def add(commands: Any) -> None:
    connections = commands.add_parser("connections", help="look at and change what Novu holds")
    kinds = connections.add_subparsers(required=True, metavar="list|show|rename|delete|verify")
    listing = _add(kinds, "list", _list, "every channel connection, newest first")
    listing.add_argument("--subscriber", metavar="ID")
    listing.add_argument("--integration", metavar="IDENTIFIER")
    listing.add_argument("--context", metavar="TYPE:ID", action="append", help="exactly these; may be repeated")
    _add(kinds, "show", _show, "one channel connection and its endpoints").add_argument("identifier")
    renaming = _add(kinds, "rename", _rename, "change what the workspace is called; the token stays")
    renaming.add_argument("identifier")
    renaming.add_argument("name")
    deleting = _add(kinds, "delete", _delete, "make Novu forget a channel connection; Slack keeps the app")
    deleting.add_argument("identifier")
    deleting.add_argument("--yes", action="store_true", help="do not ask")
    _add(kinds, "verify", _verify, "let Novu prove that it can refresh the token").add_argument("identifier")


def _add(kinds: Any, name: str, run: Run, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = kinds.add_parser(name, help=text)
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=lambda args: _guarded(run, args))
    return parser


def _guarded(run: Run, args: argparse.Namespace) -> int:
    try:
        with closing(wire(environment.load(os.environ))) as made:
            return run(made, args)
    except NovuError as error:
        print(f"Novu: {error}", file=sys.stderr)
        return REFUSED


def _list(made: Wiring, args: argparse.Namespace) -> int:
    context = tuple(args.context) if args.context else None
    which = Filter(subscriber_id=args.subscriber, integration=args.integration, context_keys=context, limit=PER_PAGE)
    parties = [made.parties.of(args.integration)] if args.integration else made.parties.all
    found = (connection for party in parties for connection in party.novu.each(which, _deadline))
    if args.json:
        _print_array(found)
        return DONE
    _print_row(tuple(name for name, _ in COLUMNS))
    for connection in found:
        _print_row(_cells(connection))
    return DONE


def _show(made: Wiring, args: argparse.Namespace) -> int:
    novu = _novu(made, args.identifier)
    fields = _fields(novu.retrieve(args.identifier, _deadline()))
    return _print_fields({**fields, "endpoints": endpoints.read(novu, args.identifier, _deadline())}, args)


def _rename(made: Wiring, args: argparse.Namespace) -> int:
    name = clean_name(args.name)
    if not name:
        print("A name needs at least one character.", file=sys.stderr)
        return REFUSED
    return _print_one(_novu(made, args.identifier).rename(args.identifier, name, _key(), _deadline()), args)


def _delete(made: Wiring, args: argparse.Namespace) -> int:
    if not args.yes and not _is_sure(args.identifier):
        print("Nothing was deleted.", file=sys.stderr)
        return REFUSED
    try:
        done = made.upkeep.disconnect(args.identifier, revokes=False)
    except StoreUnavailable as error:
        print(f"{error.store} does not answer ({error.detail}). Nothing was deleted.", file=sys.stderr)
        return REFUSED
    return _print_end(done, args)


def _print_end(done: Disconnected, args: argparse.Namespace) -> int:
    """Done only if the connection is gone: whoever asked for that has to know if it is not yet."""
    if done.novu is not Outcome.DONE:
        why = REFUSALS.get(done.novu, f"Novu: {done.detail}")
        print((GOES_ON if done.goes_on else NOT_DELETED).format(why=why), file=sys.stderr)
        return REFUSED
    if not done.is_noted:
        print(NOT_NOTED, file=sys.stderr)
    print(json.dumps({"deleted": args.identifier}) if args.json else f"Deleted {args.identifier}.")
    return DONE


def _verify(made: Wiring, args: argparse.Namespace) -> int:
    return _print_one(_novu(made, args.identifier).verify(args.identifier, _key(), _deadline()), args)


def _novu(made: Wiring, identifier: str) -> Novu:
    return made.parties.holding(identifier, _deadline()).novu


def _is_sure(identifier: str) -> bool:
    if not sys.stdin.isatty():
        return False
    return input(f"Delete {identifier}? Its owner gets no more notifications in Slack. [y/N] ").strip().lower() == "y"


def _deadline() -> Deadline:
    return Deadline(SECONDS, TRIES)


def _key() -> str:
    return f"onboarding-cli-{secrets.token_hex(8)}"


def _print_one(connection: Connection, args: argparse.Namespace) -> int:
    return _print_fields(_fields(connection), args)


def _print_fields(fields: dict[str, Any], args: argparse.Namespace) -> int:
    if args.json:
        print(json.dumps(fields, ensure_ascii=False))
        return DONE
    for name, value in fields.items():
        for line in (endpoints.lines(value) or ["-"]) if name == "endpoints" else [_shown(value)]:
            print(f"{name:<22}{line}")
    return DONE


def _print_array(connections: Iterable[Connection]) -> None:
    """One array, written as the pages arrive."""
    separator = "[\n"
    for connection in connections:
        print(separator + json.dumps(_fields(connection), ensure_ascii=False), end="", flush=True)
        separator = ",\n"
    print("[]" if separator == "[\n" else "\n]")


def _print_row(cells: tuple[str, ...]) -> None:
    fitted = (cell.ljust(width) for cell, (_, width) in zip(cells, COLUMNS, strict=True))
    print("  ".join(fitted).rstrip(), flush=True)


def _cells(connection: Connection) -> tuple[str, ...]:
    updated = f"{connection.updated_at:%Y-%m-%d %H:%M}" if connection.updated_at else ""
    names = (connection.identifier, connection.workspace.name, connection.subscriber_id or "(shared)")
    return (*map(one_line, names), one_line(", ".join(connection.context_keys)), updated)


def _fields(connection: Connection) -> dict[str, Any]:
    return {
        "identifier": connection.identifier,
        "integrationIdentifier": connection.integration,
        "subscriberId": connection.subscriber_id,
        "contextKeys": list(connection.context_keys),
        "workspace": {"id": connection.workspace.id, "name": connection.workspace.name},
        "channel": connection.channel,
        "providerId": connection.provider,
        "createdAt": connection.created_at.isoformat() if connection.created_at else None,
        "updatedAt": connection.updated_at.isoformat() if connection.updated_at else None,
    }


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return one_line(f"{value['name']} ({value['id']})")
    if isinstance(value, list):
        return one_line(", ".join(value)) or "-"
    return one_line(str(value)) if value is not None else "-"
