"""`onboarding sandbox`: everything on this machine, or one fake alone."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from onboarding.sandbox import supervisor
from onboarding.sandbox.host import create_host
from onboarding.sandbox.host.novu import introduce_customers
from onboarding.sandbox.issuer import IssuerApp, create_issuer
from onboarding.sandbox.novu import SECRET_KEY, DataRefused, Options, create_novu
from onboarding.sandbox.serve import serve_forever
from onboarding.sandbox.slack import SlackApp, create_slack

HIGHEST_PORT: Final = 65_531
"""The four parts after the service's own port need one each."""


def main(argv: Sequence[str]) -> int:
    args = _parser().parse_args(argv)
    return int(args.run(args))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="onboarding sandbox", description="Run everything on this machine.")
    parser.set_defaults(run=lambda _: _everything(os.environ.get("PORT") or "8000"))
    places = argparse.ArgumentParser(add_help=False)
    places.add_argument("--port", type=int, required=True)
    places.add_argument("--link", action="append", default=[], metavar="LABEL=URL", help="shown on its pages")
    fakes = parser.add_subparsers(metavar="novu|slack|issuer|host")
    _add_novu(fakes.add_parser("novu", parents=[places], help="a local Novu alone"))
    slack = fakes.add_parser("slack", parents=[places], help="a local Slack alone")
    slack.add_argument("--client-id", default="1234567890.1234567890")
    slack.add_argument("--client-secret", default="sandbox-slack-secret")
    slack.add_argument("--signing-secret", default="sandbox-signing-secret", help="what events are signed with")
    slack.add_argument("--events-url", default="", metavar="URL", help="where events go; default: nowhere")
    slack.add_argument("--name", default="Your product", help="what the app is called")
    slack.add_argument("--redirect-uri", action="append", default=[], help="default: any loopback address")
    slack.set_defaults(run=_slack)
    issuer = fakes.add_parser("issuer", parents=[places], help="a local OpenID Connect issuer alone")
    issuer.add_argument("--client-id", default="sandbox-admin")
    issuer.add_argument("--client-secret", default="sandbox-issuer-secret")
    issuer.add_argument("--redirect-uri", action="append", default=[], help="default: any loopback address")
    issuer.set_defaults(run=_issuer)
    _add_host(fakes.add_parser("host", parents=[places], help="a local host product alone"))
    return parser


def _everything(port: str) -> int:
    if not (port.isascii() and port.isdigit() and 0 < int(port) < HIGHEST_PORT):
        print(f"PORT must be a number from 1 to {HIGHEST_PORT - 1}.", file=sys.stderr)
        return 2
    return supervisor.run(int(port))


def _add_host(host: argparse.ArgumentParser) -> None:
    host.add_argument("--onboarding-url", required=True, metavar="URL", help="where the service is")
    host.add_argument("--api-key", required=True, metavar="K", help="one of its API_KEYS")
    host.add_argument(
        "--webhook-secret",
        action="append",
        required=True,
        metavar="S",
        help="one of its WEBHOOK_SECRETS; may be repeated",
    )
    host.add_argument("--novu-url", default="", metavar="URL", help="where to create its customers; default: nowhere")
    host.add_argument("--novu-key", default=SECRET_KEY, metavar="K")
    host.set_defaults(run=_host)


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
    slack = SlackApp(
        args.client_id,
        args.client_secret,
        tuple(args.redirect_uri),
        args.name,
        signing_secret=args.signing_secret,
    )
    credentials = {
        "Client ID": args.client_id,
        "Client secret": args.client_secret,
        "Signing secret": args.signing_secret,
    }

    def announce(url: str) -> None:
        lines = (f"{label}: {value}" for label, value in credentials.items())
        print("\n".join([f"Local Slack: {url}", *lines]), flush=True)

    serve_forever(create_slack(slack, _links(args), events_url=args.events_url), args.port, announce)
    return 0


def _issuer(args: argparse.Namespace) -> int:
    client = IssuerApp(args.client_id, args.client_secret, tuple(args.redirect_uri))

    def announce(url: str) -> None:
        print(f"Local issuer: {url}\nClient ID: {args.client_id}\nClient secret: {args.client_secret}", flush=True)

    serve_forever(create_issuer(client, _links(args)), args.port, announce)
    return 0


def _host(args: argparse.Namespace) -> int:
    try:
        app = create_host(args.onboarding_url, args.api_key, *args.webhook_secret, links=_links(args))
    except ValueError:
        print("A webhook secret is whsec_ and 24 to 64 bytes in base64.", file=sys.stderr)
        return 2
    try:
        if args.novu_url:
            introduce_customers(args.novu_url, args.novu_key)
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    serve_forever(app, args.port, lambda url: print(f"Local host product: {url}", flush=True))
    return 0


def _links(args: argparse.Namespace) -> list[tuple[str, str]]:
    return [(label, url) for label, _, url in (link.partition("=") for link in args.link)]
