"""`onboarding webhook`: try the endpoint of the host product that is told of everything."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any, Final

from onboarding.model.errors import StoreUnavailable
from onboarding.remote.webhook import Answered
from onboarding.settings import environment
from onboarding.wiring import wire_background

DONE: Final = 0
REFUSED: Final = 1
NOWHERE: Final = "No WEBHOOK_URL is set, so there is nothing to ping."


def add(commands: Any) -> None:
    webhook = commands.add_parser("webhook", help="try the endpoint that is told of everything")
    kinds = webhook.add_subparsers(required=True, metavar="ping")
    ping = kinds.add_parser("ping", help="send an event that tells of nothing, and say what came back")
    ping.set_defaults(run=_ping)


def _ping(_: argparse.Namespace) -> int:
    try:
        notify = wire_background(environment.load(os.environ)).notify
        answers = [(hearer.endpoint.host, notify.ping(hearer)) for hearer in notify.hearers]
    except StoreUnavailable as error:
        print(f"{error.store} does not answer: {error.detail}.", file=sys.stderr)
        return REFUSED
    if not answers:
        print(NOWHERE, file=sys.stderr)
        return REFUSED
    return max(_tell("The endpoint" if len(answers) == 1 else host, answered) for host, answered in answers)


def _tell(who: str, answered: Answered) -> int:
    if answered.status is None:
        print(f"{who} did not answer: {answered.why}.", file=sys.stderr)
        return REFUSED
    if not answered.is_good:
        print(f"{who} answered {answered.status}; only 200 to 299 count as delivered.", file=sys.stderr)
        return REFUSED
    print(f"{who} answered {answered.status}.")
    return DONE
