"""`onboarding check-config`: says of each setting whether it is right and, live, what cannot be seen from here.

The report goes to standard output, and each problem once more to standard error, by the full name of its setting.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from typing import Any, Final

from onboarding.flows import unseen
from onboarding.flows.checkup import Found, Right, Unknown, problems
from onboarding.flows.manifest import events_url
from onboarding.flows.unseen import Place
from onboarding.settings import apps_file, environment
from onboarding.settings.apps import NO_NAME, App
from onboarding.settings.environment import Settings
from onboarding.wiring import wire

DONE: Final = 0
REFUSED: Final = 1
COMPLETE: Final = "The configuration is complete."
WORKS: Final = "The configuration works."
NOT_ALL_KNOWN: Final = "Nothing is wrong, as far as anybody said."
STORES: Final = "PostgreSQL and Redis"
NOT_VISIBLE: Final = "What cannot be seen from here"
AT_SLACK: Final = "At https://api.slack.com/apps, in the settings of the app with the client id {client_id}:"
ELSEWHERE: Final = "Elsewhere:"


def add(commands: Any) -> None:
    check = commands.add_parser("check-config", help="say what is wrong with the environment")
    check.add_argument("--live", action="store_true", help="also ask PostgreSQL, Redis, Slack and Novu")
    check.set_defaults(run=_check_config)


def _check_config(args: argparse.Namespace) -> int:
    settings = environment.load(os.environ)
    if not args.live:
        print(COMPLETE)
        return DONE
    found = _report(settings)
    sys.stdout.flush()
    for problem in problems(found):
        print(problem, file=sys.stderr)
    if problems(found):
        return REFUSED
    print(NOT_ALL_KNOWN if any(isinstance(each, Unknown) for each in found) else WORKS)
    return DONE


def _report(settings: Settings) -> list[Found]:
    """Tell what is found, as it is found."""
    made = wire(settings)
    everything = list(made.checkup.shared())
    _tell(STORES, everything)
    print()
    for app, found in made.checkup.of_each_app():
        everything += found
        _tell(_title(app, settings), found, apps_file.name_of(app.integration, ""))
        for line in made.advice.of(app):
            print(f"  Worth knowing: {line}")
        print()
    _tell_unseen(settings)
    return everything


def _title(app: App, settings: Settings) -> str:
    table = f"[apps.{app.integration}]" if settings.apps.is_from_file else app.integration
    return table if app.brand.product_name == NO_NAME else f"{table}, {app.brand.product_name}"


def _tell(title: str, found: Iterable[Found], prefix: str = "") -> None:
    """A table of what was found. The title says already which app it is about: `prefix` is left out of the names."""
    print(title)
    _print_table((_word(each), each.name.removeprefix(prefix), each.message) for each in found)


def _word(found: Found) -> str:
    if isinstance(found, Right):
        return "right"
    return "unknown" if isinstance(found, Unknown) else "WRONG"


def _tell_unseen(settings: Settings) -> None:
    for app in settings.apps.all:
        print(f"{NOT_VISIBLE}: {_title(app, settings)}")
        print(f"  {AT_SLACK.format(client_id=app.slack.client_id)}")
        _print_places(unseen.at_slack(app, events_url(app, settings.public_url, settings.apps)))
        print(f"  {ELSEWHERE}")
        _print_places(unseen.elsewhere(app, settings.public_url))
        print()


def _print_places(places: Iterable[Place]) -> None:
    _print_table(((each.where, each.what) for each in places), indent=4)


def _print_table(rows: Iterable[tuple[str, ...]], indent: int = 2) -> None:
    """In columns, one line a row."""
    listed = list(rows)
    widths = [max(map(len, column)) for column in zip(*listed, strict=True)]
    for row in listed:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print(" " * indent + "  ".join(cells).rstrip())
