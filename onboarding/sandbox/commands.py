"""`onboarding sandbox`: the whole rehearsal, or one stand-in alone."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from onboarding.sandbox import rehearsal
from onboarding.sandbox.novu import create_novu
from onboarding.sandbox.serve import serve_forever
from onboarding.sandbox.slack import SlackApp, create_slack


def main(argv: Sequence[str]) -> int:
    args = _parser().parse_args(argv)
    return int(args.run(args))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="onboarding sandbox", description="Rehearse everything on this machine.")
    parser.set_defaults(run=lambda _: rehearsal.run(int(os.environ.get("PORT") or 8000)))
    places = argparse.ArgumentParser(add_help=False)
    places.add_argument("--port", type=int, required=True)
    places.add_argument("--link", action="append", default=[], metavar="LABEL=URL", help="shown on its pages")
    stand_ins = parser.add_subparsers(metavar="novu|slack")
    novu = stand_ins.add_parser("novu", parents=[places], help="a local Novu alone")
    novu.add_argument("--secret-key", default="sandbox-novu-key")
    novu.add_argument("--idempotency", action="store_true", help="honour Idempotency-Key, off at Novu by default")
    novu.set_defaults(run=_novu)
    slack = stand_ins.add_parser("slack", parents=[places], help="a local Slack alone")
    slack.add_argument("--client-id", default="1234567890.1234567890")
    slack.add_argument("--client-secret", default="sandbox-slack-secret")
    slack.add_argument("--name", default="Your product", help="what the app is called")
    slack.add_argument("--redirect-uri", action="append", default=[], help="default: any loopback address")
    slack.set_defaults(run=_slack)
    return parser


def _novu(args: argparse.Namespace) -> int:
    app = create_novu(args.secret_key, idempotency=args.idempotency, links=_links(args))

    def announce(url: str) -> None:
        print(f"Local Novu: {url}\nSecret key: {args.secret_key}", flush=True)

    serve_forever(app, args.port, announce)
    return 0


def _slack(args: argparse.Namespace) -> int:
    slack = SlackApp(args.client_id, args.client_secret, tuple(args.redirect_uri), args.name)

    def announce(url: str) -> None:
        print(f"Local Slack: {url}\nClient ID: {args.client_id}\nClient secret: {args.client_secret}", flush=True)

    serve_forever(create_slack(slack, _links(args)), args.port, announce)
    return 0


def _links(args: argparse.Namespace) -> list[tuple[str, str]]:
    return [(label, url) for label, _, url in (link.partition("=") for link in args.link)]
