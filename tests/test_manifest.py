"""`onboarding manifest`: what Slack takes as the configuration of an app, before and after the app has credentials."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.flows.manifest import EVENTS, manifest
from onboarding.settings.apps import read_apps
from onboarding.settings.reader import Reader
from onboarding.web.slack.envelope import HINTS
from tests.test_processes import onboarding

PUBLIC_URL = "https://connect.example.com"
URL = f"{PUBLIC_URL}/slack/events"
KEYS = {
    "": {"display_information", "features", "oauth_config", "settings", "app_directory", "_metadata", "$schema"},
    "display_information": {"name", "description", "long_description", "background_color"},
    "features": {"bot_user", "app_home"},
    "features.bot_user": {"display_name", "always_online"},
    "features.app_home": {"home_tab_enabled", "messages_tab_enabled", "messages_tab_read_only_enabled"},
    "oauth_config": {"redirect_urls", "scopes"},
    "oauth_config.scopes": {"bot", "user", "bot_optional", "user_optional"},
    "settings": {
        "event_subscriptions",
        "interactivity",
        "incoming_webhooks",
        "org_deploy_enabled",
        "socket_mode_enabled",
        "token_rotation_enabled",
    },
    "settings.event_subscriptions": {"request_url", "bot_events", "user_events"},
}
"""Slack refuses a manifest with any other key. https://docs.slack.dev/reference/app-manifest"""
TEXTS = {
    "display_information.name": (1, 35),
    "display_information.description": (1, 140),
    "features.bot_user.display_name": (1, 80),
    "settings.event_subscriptions.request_url": (1, 3500),
}
LISTS = {
    "oauth_config.redirect_urls": (1000, 2500),
    "oauth_config.scopes.bot": (255, 50),
    "settings.event_subscriptions.bot_events": (100, 50),
}
"""How many entries, and how long each."""
SCOPES = ["chat:write", "chat:write.public", "channels:read", "groups:read"]
TWO_APPS = """
[apps.sprocket-slack]
product_name = "Sprocket"
signing_secret = "of-sprocket"
scopes = ["chat:write"]
default = true

[apps."gadget slack"]
product_name = "Gadget"
accent_color = "#0a7d5c"
signing_secret = "of-gadget"
"""


def of(**env: str) -> dict[str, Any]:
    read = Reader(env)
    [app] = read_apps(env, read, PUBLIC_URL).all
    return manifest(app, URL)


def printed(**env: str) -> Any:
    done = onboarding("manifest", env={"PUBLIC_URL": PUBLIC_URL, **env})
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def at(made: dict[str, Any], path: str) -> Any:
    found: Any = made
    for key in filter(None, path.split(".")):
        found = found.get(key, {})
    return found


def breaches(made: dict[str, Any]) -> list[str]:
    """The limits of Slack's that a manifest breaks."""
    wrong = [path for path, keys in KEYS.items() if set(at(made, path)) - keys]
    wrong += [
        path
        for path, (shortest, longest) in TEXTS.items()
        if at(made, path) != {} and not shortest <= len(at(made, path)) <= longest
    ]
    wrong += [
        path
        for path, (most, longest) in LISTS.items()
        if (entries := list(at(made, path))) != list(dict.fromkeys(entries))
        or len(entries) > most
        or any(len(entry) > longest for entry in entries)
    ]
    return wrong


def test_an_app_that_has_nothing_yet_can_be_created_from_the_address_alone() -> None:
    assert printed() == {
        "display_information": {
            "name": "Notifications",
            "description": "Brings notifications from Notifications to a channel or to you.",
        },
        "features": {
            "bot_user": {"display_name": "Notifications"},
            "app_home": {
                "home_tab_enabled": False,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": True,
            },
        },
        "oauth_config": {
            "redirect_urls": ["https://connect.example.com/slack/oauth_redirect"],
            "scopes": {"bot": SCOPES},
        },
        "settings": {"org_deploy_enabled": False, "socket_mode_enabled": False, "token_rotation_enabled": False},
    }


def test_a_whole_environment_is_described_and_no_secret_printed(env: dict[str, str]) -> None:
    done = onboarding(
        "manifest", env={**env, "SLACK_SIGNING_SECRET": "signing-secret-1", "SLACK_SCOPES": "chat:write,im:write"}
    )
    made = json.loads(done.stdout)
    assert made["display_information"]["name"] == "Sprocket"
    assert made["oauth_config"]["scopes"]["bot"] == ["chat:write", "im:write"]
    assert made["oauth_config"]["redirect_urls"] == [f"{env['PUBLIC_URL']}/slack/oauth_redirect"]
    secrets = {env[name] for name in env if "SECRET" in name or name.endswith("_ID")} | {"signing-secret-1"}
    assert not [secret for secret in secrets if secret in done.stdout]


def test_slack_is_asked_for_every_event_that_we_heed_and_that_can_be_asked_for() -> None:
    subscribed = of(SLACK_SIGNING_SECRET="secret")["settings"]["event_subscriptions"]
    assert subscribed["request_url"] == URL
    assert set(subscribed["bot_events"]) == set(EVENTS) == HINTS - {"app_rate_limited"}


def test_without_a_signing_secret_no_events_are_asked_for_because_nothing_would_answer() -> None:
    assert "event_subscriptions" not in of()["settings"]


@given(
    name=st.text(st.characters(codec="utf-8"), min_size=1, max_size=80).filter(lambda name: name.isprintable()),
    has_events=st.booleans(),
)
def test_no_name_breaks_a_limit_of_slacks(name: str, has_events: bool) -> None:
    made = of(PRODUCT_NAME=name, **({"SLACK_SIGNING_SECRET": "secret"} if has_events else {}))
    assert breaches(made) == []


@pytest.mark.parametrize(
    ("name", "display_name"),
    [
        ("Acme for Slack", "Acme"),
        ("Slack alerts by Acme", "alerts by Acme"),
        ("SLACK", "Notifications"),
        ("Sprocket", "Sprocket"),
    ],
)
def test_the_bots_name_does_not_contain_slack(name: str, display_name: str) -> None:
    assert of(PRODUCT_NAME=name)["features"]["bot_user"]["display_name"] == display_name


def test_names_are_cut_where_slack_would_refuse_them() -> None:
    made = of(PRODUCT_NAME="A long name of a product that goes on for a while")
    assert made["display_information"]["name"] == "A long name of a product that goes"
    assert breaches(made) == []


def test_a_limit_that_is_broken_would_be_seen() -> None:
    made = of()
    made["display_information"]["name"] = "a" * 36
    made["oauth_config"]["scopes"]["bot"] = ["chat:write"] * 2
    made["settings"]["is_fast"] = True
    assert breaches(made) == ["settings", "display_information.name", "oauth_config.scopes.bot"]


def test_the_accent_color_is_behind_the_app_in_slack() -> None:
    colored = of(ACCENT_COLOR="#0A7D5C")["display_information"]
    assert re.fullmatch(r"#[0-9a-f]{6}", colored["background_color"])
    assert "background_color" not in of()["display_information"]


def test_with_several_apps_each_has_a_manifest_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "apps.toml").write_text(TWO_APPS)
    env = {"PUBLIC_URL": PUBLIC_URL, "APPS_FILE": str(tmp_path / "apps.toml")}
    default = onboarding("manifest", env=env)
    first = onboarding("manifest", "--app", "sprocket-slack", env=env)
    second = onboarding("manifest", "--app", "gadget slack", env=env)
    assert default.stdout == first.stdout
    made = [json.loads(done.stdout) for done in (first, second)]
    assert [each["display_information"]["name"] for each in made] == ["Sprocket", "Gadget"]
    assert [each["settings"]["event_subscriptions"]["request_url"] for each in made] == [
        f"{URL}/sprocket-slack",
        f"{URL}/gadget%20slack",
    ]
    assert [each["oauth_config"]["scopes"]["bot"] for each in made] == [["chat:write"], SCOPES]
    assert [breaches(each) for each in made] == [[], []]


CREATED_LATER = """
[apps.sprocket-slack]
client_id = { env = "ID_OF_LATER" }
client_secret = { file = "not-there-yet" }
signing_secret = [{ env = "SIGNING_OF_LATER" }, { file = "empty" }]
novu_secret_key = { env = "NOVU_OF_LATER" }
"""


def test_references_to_what_an_app_gets_when_it_is_created_may_lead_nowhere_yet(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "apps.toml").write_text(CREATED_LATER)
    made = printed(APPS_FILE=str(tmp_path / "apps.toml"))
    assert made["oauth_config"]["scopes"]["bot"] == SCOPES
    assert breaches(made) == []


@pytest.mark.parametrize(
    "more",
    ['product_name = { env = "NAME_OF_LATER" }', 'webhook_url = "not one"', 'product_logo_url = { file = "nothing" }'],
)
def test_what_the_manifest_says_has_to_be_there(tmp_path: Path, more: str) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "apps.toml").write_text(CREATED_LATER + more)
    done = onboarding("manifest", env={"PUBLIC_URL": PUBLIC_URL, "APPS_FILE": str(tmp_path / "apps.toml")})
    assert (done.returncode, done.stdout) == (2, "")
    assert more.partition(" ")[0] in done.stderr
    assert "client_id" not in done.stderr


@pytest.mark.parametrize("arguments", [[], ["--app", "unknown"]])
def test_an_app_that_is_not_there_is_a_wrong_usage_and_those_that_are_are_named(
    tmp_path: Path, arguments: list[str]
) -> None:
    (tmp_path / "apps.toml").write_text(TWO_APPS.replace("default = true", ""))
    env = {"PUBLIC_URL": PUBLIC_URL, "APPS_FILE": str(tmp_path / "apps.toml")}
    done = onboarding("manifest", *arguments, env=env)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Name one of the apps with --app: sprocket-slack, gadget slack.\n"


@pytest.mark.parametrize(
    ("env", "problem"),
    [
        ({}, "PUBLIC_URL: is required"),
        ({"PUBLIC_URL": "http://connect.example.com"}, "PUBLIC_URL: must be https"),
        ({"PUBLIC_URL": PUBLIC_URL, "SLACK_SCOPES": "Chat Write"}, "SLACK_SCOPES: must be Slack scopes"),
        ({"PUBLIC_URL": PUBLIC_URL, "APPS_FILE": "/nowhere"}, "APPS_FILE: must be the path of a file"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_printed(env: dict[str, str], problem: str) -> None:
    done = onboarding("manifest", env=env)
    assert (done.returncode, done.stdout) == (2, "")
    assert problem in done.stderr
