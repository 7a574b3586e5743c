"""Everything `make run` starts: the service as in production, its private stores, a local Slack,
a local Novu, and a local product whose customers connect."""

from __future__ import annotations

import base64
import os
import secrets
import shlex
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

import requests

from onboarding.ledger import migrations
from onboarding.model import Secret
from onboarding.sandbox import embedded_postgres, embedded_redis
from onboarding.sandbox.processes import Process, die_with
from onboarding.settings import environment
from onboarding.wiring import wire

HOST: Final = "127.0.0.1"
NOVU_KEY: Final = "sandbox-novu-key"
FOLDER: Final = Path(".sandbox")
ENV_FILE: Final = FOLDER / "env"
LOG_FILE: Final = FOLDER / "log"
"""What web and worker log: on the terminal it would push the addresses away."""
LAST_LINES: Final = 20
NOVU_FILE: Final = FOLDER / "novu.jsonl"
"""What the local Novu holds is kept from one run to the next, as it would be at Novu."""
CREDENTIALS: Final = (
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "DATABASE_URL",
    "REDIS_URL",
    "SLACK_CLIENT_ID",
    "SLACK_CLIENT_SECRET",
    "SLACK_SIGNING_SECRET",
    "NOVU_SECRET_KEY",
    "API_KEYS",
    "ADMIN_PASSWORD",
    "OIDC_CLIENT_SECRET",
    "WEBHOOK_SECRETS",
)
"""What only a real deployment has. If one is set, this is the wrong place for a sandbox."""


def run(port: int) -> int:
    """Run until Ctrl-C or SIGTERM. Gives the exit status of the command."""
    if found := [name for name in CREDENTIALS if os.environ.get(name)]:
        print(
            f"This environment holds real credentials ({', '.join(found)}): the sandbox does not start here.",
            file=sys.stderr,
        )
        return 2
    if "MAKELEVEL" in os.environ:
        die_with(os.getppid())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    try:
        with tempfile.TemporaryDirectory(prefix="onboarding-") as folder, _children() as children:
            env = _environment(port, Path(folder))
            try:
                _start(env, Path(folder), children)
                print(_welcome(env), flush=True)
                return _watch(children)
            except RuntimeError:
                print(*_last_lines(), sep="\n", file=sys.stderr)
                raise
    except (RuntimeError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def _environment(port: int, folder: Path) -> dict[str, str]:
    """What a deployment would have in its environment, for this machine and this run."""
    slack, novu, issuer, host = _free_ports(port)
    return {
        "PUBLIC_URL": f"http://{HOST}:{port}",
        "SECRET_KEY": secrets.token_urlsafe(32),
        "DATABASE_URL": embedded_postgres.url(folder),
        "REDIS_URL": embedded_redis.url(folder),
        "SLACK_CLIENT_ID": "1234567890.1234567890",
        "SLACK_CLIENT_SECRET": secrets.token_hex(16),
        "SLACK_SIGNING_SECRET": secrets.token_hex(16),
        "SLACK_URL": f"http://{HOST}:{slack}",
        "NOVU_SECRET_KEY": NOVU_KEY,
        "NOVU_URL": f"http://{HOST}:{novu}",
        "NOVU_INTEGRATION_IDENTIFIER": "slack-prod",
        "API_KEYS": secrets.token_urlsafe(32),
        "ADMIN_PASSWORD": secrets.token_urlsafe(12),
        "OIDC_ISSUER": f"http://{HOST}:{issuer}",
        "OIDC_CLIENT_ID": "sandbox-admin",
        "OIDC_CLIENT_SECRET": secrets.token_hex(24),
        "OIDC_ALLOWED_EMAILS": "@sprocket.example",
        "OIDC_OPERATOR_EMAILS": "operator@sprocket.example",
        "HOST_URL": f"http://{HOST}:{host}",
        "EMBED_ORIGINS": f"http://{HOST}:{host}",
        "WEBHOOK_URL": f"http://{HOST}:{host}/webhooks/slack",
        "WEBHOOK_SECRETS": f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "DIRECT_INSTALL": "1",
        "PRODUCT_NAME": os.environ.get("PRODUCT_NAME") or "Sprocket",
        "SUPPORT_CONTACT": os.environ.get("SUPPORT_CONTACT") or "support@sprocket.example",
    }


def _free_ports(port: int) -> tuple[int, ...]:
    """The four after `port` where they are free, any others otherwise. Complains when `port` itself is taken."""
    if not _free_port(port):
        raise RuntimeError(f"Port {port} is taken. Choose another: PORT={port + 100} make run")
    return tuple(_free_port(port + number) or _free_port(0) for number in (1, 2, 3, 4))


def _free_port(wanted: int) -> int:
    """The port that was wanted, any for 0; or 0 when it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError:
            return 0
        return int(probe.getsockname()[1])


def _start(env: Mapping[str, str], folder: Path, children: list[Process]) -> None:
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    LOG_FILE.write_bytes(b"")
    # The fakes need no store, and load while PostgreSQL makes its database.
    for name, command in (("slack", _slack(env)), ("novu", _novu(env)), ("issuer", _issuer(env)), ("host", _host(env))):
        children.append(Process(name, command, quiet=True))
    for store in (embedded_postgres, embedded_redis):
        children.append(store.start(folder))
    migrations.apply(Secret(env["DATABASE_URL"]))
    everything = {**os.environ, "PYTHONUNBUFFERED": "1", **env}
    for name, command in (("web", _web(env)), ("worker", [sys.executable, "-m", "onboarding.worker"])):
        children.append(Process(name, command, everything, log=LOG_FILE))
    urls = {"slack": "SLACK_URL", "novu": "NOVU_URL", "issuer": "OIDC_ISSUER", "host": "HOST_URL", "web": "PUBLIC_URL"}
    for child in children:
        if child.name in urls:
            child.wait_until(_answering(env[urls[child.name]]))


def _last_lines() -> list[str]:
    """Of the log, for whoever has to know why something did not start."""
    return LOG_FILE.read_text("utf-8", "replace").splitlines()[-LAST_LINES:]


def _slack(env: Mapping[str, str]) -> list[str]:
    return _fake(
        "slack",
        env,
        client_id=env["SLACK_CLIENT_ID"],
        client_secret=env["SLACK_CLIENT_SECRET"],
        redirect_uri=f"{env['PUBLIC_URL']}/slack/oauth_redirect",
        signing_secret=env["SLACK_SIGNING_SECRET"],
        events_url=f"{env['PUBLIC_URL']}/slack/events",
        name=env["PRODUCT_NAME"],
    )


def _novu(env: Mapping[str, str]) -> list[str]:
    return _fake("novu", env, secret_key=env["NOVU_SECRET_KEY"], data=str(NOVU_FILE), slack_url=env["SLACK_URL"])


def _issuer(env: Mapping[str, str]) -> list[str]:
    return _fake(
        "issuer",
        env,
        client_id=env["OIDC_CLIENT_ID"],
        client_secret=env["OIDC_CLIENT_SECRET"],
        redirect_uri=f"{env['PUBLIC_URL']}/admin/sign-in/callback",
    )


def _host(env: Mapping[str, str]) -> list[str]:
    return _fake(
        "host",
        env,
        onboarding_url=env["PUBLIC_URL"],
        api_key=env["API_KEYS"],
        webhook_secret=env["WEBHOOK_SECRETS"],
        novu_url=env["NOVU_URL"],
        novu_key=env["NOVU_SECRET_KEY"],
    )


def _fake(name: str, env: Mapping[str, str], /, **options: str) -> list[str]:
    command = [sys.executable, "-m", "onboarding.cli", "sandbox", name]
    places = {
        "Service": "PUBLIC_URL",
        "Slack": "SLACK_URL",
        "Novu": "NOVU_URL",
        "Issuer": "OIDC_ISSUER",
        "Host": "HOST_URL",
    }
    links = [f"--link={label}={env[url]}" for label, url in places.items()]
    # Joined by "=": a random secret may begin with a hyphen, and would read as an option.
    given = [f"--{option.replace('_', '-')}={value}" for option, value in options.items()]
    return [*command, f"--port={_port_of(env[places[name.capitalize()]])}", *given, *links]


def _web(env: Mapping[str, str]) -> list[str]:
    gunicorn = [sys.executable, "-m", "gunicorn", "-c", "python:onboarding.web.server", "--log-level", "warning"]
    return [*gunicorn, "--bind", f"{HOST}:{_port_of(env['PUBLIC_URL'])}"]


def _port_of(url: str) -> str:
    return url.rpartition(":")[2]


def _answering(url: str) -> Callable[[], bool]:
    def is_ready() -> bool:
        try:
            return requests.get(url, timeout=1).status_code == 200
        except requests.RequestException:
            return False

    return is_ready


def _welcome(env: Mapping[str, str]) -> str:
    ENV_FILE.touch(mode=0o600)
    ENV_FILE.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in env.items()))
    return f"""
All of this runs on your machine, and nothing leaves it.

  Your product   {env["HOST_URL"]}   (start here: Settings → Notifications)
  Install link   {_install_link(env)}
  Without one    {env["PUBLIC_URL"]}/slack/install   (as from Slack's Marketplace)

  Admin          {env["PUBLIC_URL"]}/admin
  Password       {env["ADMIN_PASSWORD"]}
  HTTP API       {env["PUBLIC_URL"]}/reference
  Log            {LOG_FILE}

  Local Slack    {env["SLACK_URL"]}   (where messages arrive)
  Local Novu     {env["NOVU_URL"]}   (holds connections and endpoints, sends notifications)
  Local issuer   {env["OIDC_ISSUER"]}   (single sign-on for the admin)

Ctrl-C stops everything.
"""


def _install_link(env: Mapping[str, str]) -> str:
    fields = {"subscriberId": "subscriber-123", "account": "Acme Inc.", "returnUrl": f"{env['HOST_URL']}/slack/return"}
    with closing(wire(environment.load({**os.environ, **env}))) as made:
        link = made.minting.mint(fields, None)
        made.minting.record(link, "make run")
        return made.minting.url(link)


def _watch(children: list[Process]) -> int:
    while True:
        for child in children:
            if child.exit_code is not None:
                raise RuntimeError(f"{child.name} ended with status {child.exit_code}; stopping the rest")
        time.sleep(0.5)


@contextmanager
def _children() -> Iterator[list[Process]]:
    """A list of processes that are stopped, last started first, when the block ends."""
    children: list[Process] = []
    try:
        yield children
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        for child in reversed(children):
            child.stop()


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
