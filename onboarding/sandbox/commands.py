"""`onboarding sandbox`: the whole rehearsal, or one stand-in alone."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from onboarding.sandbox import rehearsal
from onboarding.sandbox.issuer import IssuerApp, create_issuer
from onboarding.sandbox.novu import SECRET_KEY, DataRefused, Options, create_novu
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
    stand_ins = parser.add_subparsers(metavar="novu|slack|issuer")
    _add_novu(stand_ins.add_parser("novu", parents=[places], help="a local Novu alone"))
    slack = stand_ins.add_parser("slack", parents=[places], help="a local Slack alone")
    slack.add_argument("--client-id", default="1234567890.1234567890")
    slack.add_argument("--client-secret", default="sandbox-slack-secret")
    slack.add_argument("--name", default="Your product", help="what the app is called")
    slack.add_argument("--redirect-uri", action="append", default=[], help="default: any loopback address")
    slack.set_defaults(run=_slack)
    issuer = stand_ins.add_parser("issuer", parents=[places], help="a local OpenID Connect issuer alone")
    issuer.add_argument("--client-id", default="sandbox-admin")
    issuer.add_argument("--client-secret", default="sandbox-issuer-secret")
    issuer.add_argument("--redirect-uri", action="append", default=[], help="default: any loopback address")
    issuer.set_defaults(run=_issuer)
    return parser


def _add_novu(novu: argparse.ArgumentParser) -> None:
    novu.add_argument("--secret-key", action="append", help="may be repeated: each is an environment of its own")
    novu.add_argument("--idempotency", action="store_true", help="honour Idempotency-Key, off at Novu by default")
    novu.add_argument("--legacy-idempotency", action="store_true", help="the same, but replay an error as 503")
    novu.add_argument("--rate-limit", action="store_true", help="20 requests a second, as on a free plan")
    novu.add_argument("--redact", action="store_true", help="never show a token again")
    novu.add_argument("--data", type=Path, metavar="FILE", help="keep everything in it, for the next start")
    novu.add_argument(
        "--slack-url",
        default=os.environ.get("SLACK_URL", ""),
        metavar="URL",
        help="where notifications are delivered; default: SLACK_URL of the environment, else nowhere",
    )
    novu.set_defaults(run=_novu)


def _novu(args: argparse.Namespace) -> int:
    keys = tuple(dict.fromkeys(args.secret_key or [SECRET_KEY]))
    if not all(key.strip() == key != "" for key in keys):
        print("A secret key must not be empty, or begin or end with a space.", file=sys.stderr)
        return 2
    idempotency = args.idempotency or args.legacy_idempotency
    options = Options(
        legacy_idempotency=args.legacy_idempotency,
        rate_limit=args.rate_limit,
        redact=args.redact,
        data=args.data,
    )
    try:
        app = create_novu(*keys, idempotency=idempotency, links=_links(args), options=options, slack_url=args.slack_url)
    except DataRefused as error:
        print(error, file=sys.stderr)
        return 2

    def announce(url: str) -> None:
        print("\n".join([f"Local Novu: {url}", *(f"Secret key: {key}" for key in keys)]), flush=True)

    try:
        serve_forever(app, args.port, announce)
    finally:
        app.extensions["novu"].close()
    return 0


def _slack(args: argparse.Namespace) -> int:
    slack = SlackApp(args.client_id, args.client_secret, tuple(args.redirect_uri), args.name)

    def announce(url: str) -> None:
        print(f"Local Slack: {url}\nClient ID: {args.client_id}\nClient secret: {args.client_secret}", flush=True)

    serve_forever(create_slack(slack, _links(args)), args.port, announce)
    return 0


def _issuer(args: argparse.Namespace) -> int:
    client = IssuerApp(args.client_id, args.client_secret, tuple(args.redirect_uri))

    def announce(url: str) -> None:
        print(f"Local issuer: {url}\nClient ID: {args.client_id}\nClient secret: {args.client_secret}", flush=True)

    serve_forever(create_issuer(client, _links(args)), args.port, announce)
    return 0


def _links(args: argparse.Namespace) -> list[tuple[str, str]]:
    return [(label, url) for label, _, url in (link.partition("=") for link in args.link)]
