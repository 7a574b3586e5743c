"""`onboarding manifest`: prints the manifest to create or update the Slack app with.

An app gets its client id, secrets and signing secret when it is created, so the manifest is printed without them too.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from typing import Any, Final

from onboarding.flows.manifest import events_url, manifest
from onboarding.model.errors import ConfigError
from onboarding.settings import addresses, rules
from onboarding.settings.apps import Apps, read_apps
from onboarding.settings.reader import Reader

DONE: Final = 0
WRONG: Final = 2
NEEDED: Final = "PUBLIC_URL"


def add(commands: Any) -> None:
    command = commands.add_parser("manifest", help="print the manifest of the Slack app, for api.slack.com/apps")
    command.add_argument("--app", metavar="INTEGRATION", help="which of APPS_FILE; default: the default app")
    command.set_defaults(run=_manifest)


def _manifest(args: argparse.Namespace) -> int:
    public_url, apps = _read(os.environ)
    app = apps.by_integration.get(args.app) if args.app else apps.default
    if app is None:
        known = ", ".join(filter(None, apps.by_integration))
        print(f"Name one of the apps with --app: {known or 'there is only one, without a name'}.", file=sys.stderr)
        return WRONG
    print(json.dumps(manifest(app, events_url(app, public_url, apps)), indent=2, ensure_ascii=False))
    return DONE


def _read(env: Mapping[str, str]) -> tuple[str, Apps]:
    """The apps, as far as they are configured: only PUBLIC_URL may not be missing. Raises `ConfigError`."""
    read = Reader(env)
    public_url = addresses.origin(read.text(NEEDED, check=rules.bare_origin))
    apps = read_apps(env, read, public_url)
    problems = [each for each in read.problems if each.name == NEEDED or not each.is_absence]
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    return public_url, apps
