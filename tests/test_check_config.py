"""`onboarding check-config --live` as operators read it: what is right or wrong with each app, what it cannot see."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from onboarding.sandbox import embedded_postgres
from onboarding.sandbox.novu import create_novu
from onboarding.sandbox.serve import serving
from tests.scripted import Script, answer, scripted
from tests.test_checkup import check
from tests.two_slacks import two_slacks

Rows = dict[str, tuple[str, str]]
"""What is said of each setting, by its name: a word, and why."""
STORES = "PostgreSQL and Redis"
NOT_VISIBLE = "What cannot be seen from here: "
NOVU_SETTINGS = ("NOVU_SECRET_KEY", "NOVU_INTEGRATION_IDENTIFIER", "NOVU_URL")
OURS = ("SLACK_SCOPES", "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", *NOVU_SETTINGS)
TWO = """
[apps.slack-prod]
client_id = "1.1"
client_secret = "secret-1"
signing_secret = "signing-1"
novu_secret_key = "novu-key-1"
product_name = "Sprocket"

[apps."gadget slack"]
client_id = "2.2"
client_secret = "secret-2"
scopes = "chat:write"
novu_secret_key = "novu-key-2"
webhook_url = "https://gadget.example/hook"
webhook_secrets = "whsec_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
"""
FIRST, SECOND = "[apps.slack-prod], Sprocket", "[apps.gadget slack]"


@pytest.fixture(scope="module")
def durable() -> Iterator[str]:
    """The address of a PostgreSQL that production could use."""
    with tempfile.TemporaryDirectory(prefix="onboarding-") as folder:
        server = embedded_postgres.start(Path(folder))
        yield embedded_postgres.url(Path(folder))
        server.stop()


@pytest.fixture
def good(env: dict[str, str], durable: str) -> dict[str, str]:
    return {**env, "DATABASE_URL": durable}


@pytest.fixture
def of_two(good: dict[str, str]) -> Iterator[dict[str, str]]:
    """Two apps, each with a Novu environment of its own."""
    with two_slacks() as (_, slack_url), serving(create_novu("novu-key-1", "novu-key-2")) as novu_url:
        wanted = {"providerId": "slack", "channel": "chat", "identifier": "gadget slack", "credentials": {}}
        key = {"Authorization": "ApiKey novu-key-2"}
        requests.post(f"{novu_url}/v1/integrations", json=wanted, headers=key, timeout=5).raise_for_status()
        left = {name: value for name, value in good.items() if name not in {*OURS, "PRODUCT_NAME"}}
        yield {**left, "SLACK_URL": slack_url, "NOVU_URL": novu_url}


def written(folder: Path, text: str) -> dict[str, str]:
    (folder / "apps.toml").write_text(text)
    return {"APPS_FILE": str(folder / "apps.toml")}


def sections(said: str) -> dict[str, str]:
    """By their titles."""
    return {title: rest for title, _, rest in (part.partition("\n") for part in said.split("\n\n"))}


def rows(section: str) -> Rows:
    found = re.findall(r"^  (right|WRONG|unknown) +(\(its name\)|\S+) +(.+)$", section, re.MULTILINE)
    return {name: (word, why) for word, name, why in found}


def words(section: str) -> dict[str, str]:
    return {name: word for name, (word, _) in rows(section).items()}


def test_every_setting_that_can_be_seen_is_said_to_be_right(good: dict[str, str]) -> None:
    done = check(good)
    said = sections(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert words(said[STORES]) == {"DATABASE_URL": "right", "REDIS_URL": "right"}
    assert words(said["slack-prod, Sprocket"]) == dict.fromkeys(OURS, "right")


@pytest.mark.parametrize(
    ("changes", "wrong", "unknown"),
    [
        ({"SLACK_CLIENT_ID": "9.9"}, {"SLACK_CLIENT_ID"}, {"SLACK_CLIENT_SECRET"}),
        ({"SLACK_CLIENT_SECRET": "another"}, {"SLACK_CLIENT_SECRET"}, set()),
        ({"SLACK_SCOPES": "channels:read"}, {"SLACK_SCOPES"}, set()),
        ({"SLACK_URL": "http://127.0.0.1:9"}, {"SLACK_URL"}, {"SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET"}),
        ({"NOVU_SECRET_KEY": "another"}, {"NOVU_SECRET_KEY"}, {"NOVU_INTEGRATION_IDENTIFIER"}),
        ({"NOVU_URL": "http://127.0.0.1:9"}, {"NOVU_URL"}, {"NOVU_SECRET_KEY", "NOVU_INTEGRATION_IDENTIFIER"}),
        ({"NOVU_INTEGRATION_IDENTIFIER": "none"}, {"NOVU_INTEGRATION_IDENTIFIER"}, set()),
        ({"REDIS_URL": "redis://127.0.0.1:9"}, {"REDIS_URL"}, set()),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_one_wrong_setting_leaves_the_others_right_or_unknown(
    good: dict[str, str], changes: dict[str, str], wrong: set[str], unknown: set[str]
) -> None:
    done = check({**good, **changes})
    told = words(done.stdout)
    assert {name for name, word in told.items() if word == "WRONG"} == wrong
    assert {name for name, word in told.items() if word == "unknown"} == unknown
    assert {line.partition(": ")[0] for line in done.stderr.splitlines()} == wrong
    assert done.returncode == 1
    assert "The configuration works" not in done.stdout


@pytest.mark.parametrize(
    ("said", "status", "wrong"), [("internal_error", 1, ["SLACK_URL"]), ("enterprise_is_restricted", 0, [])]
)
def test_what_slack_does_not_say_is_not_called_right(
    good: dict[str, str], said: str, status: int, wrong: list[str]
) -> None:
    with scripted(Script([answer(200, b'{"ok": false, "error": "%s"}' % said.encode())], takes=9)) as url:
        done = check({**good, "SLACK_URL": url})
    told = rows(done.stdout)
    for name in ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET"):
        assert told[name] == ("unknown", f"Slack did not say ({said})")
    assert [name for name, (word, _) in told.items() if word == "WRONG"] == wrong
    assert done.returncode == status
    assert "The configuration works" not in done.stdout


def test_all_is_well_with_both_apps(of_two: dict[str, str], tmp_path: Path) -> None:
    done = check({**of_two, **written(tmp_path, TWO)})
    said = sections(done.stdout)
    assert (done.returncode, done.stderr, done.stdout.splitlines()[-1]) == (0, "", "The configuration works.")
    keys = ("scopes", "client_id", "client_secret", "novu_secret_key", "(its name)", "NOVU_URL")
    for title in (FIRST, SECOND):
        assert words(said[title]) == dict.fromkeys(keys, "right")


def test_what_is_wrong_with_one_app_is_said_of_that_one_only(of_two: dict[str, str], tmp_path: Path) -> None:
    text = (
        TWO.replace('"secret-2"', '"another"').replace('"novu-key-2"', '"novu-key-1"').replace('"chat:write"', '"x:y"')
    )
    done = check({**of_two, **written(tmp_path, text)})
    said = sections(done.stdout)
    assert set(words(said[FIRST]).values()) == {"right"}
    wrong = {"scopes", "client_secret", "(its name)"}
    assert {name for name, word in words(said[SECOND]).items() if word == "WRONG"} == wrong
    names = {f"APPS_FILE [apps.gadget slack] {key}" for key in wrong}
    assert {line.partition(": ")[0] for line in done.stderr.splitlines()} == names
    assert done.returncode == 1


def test_what_comes_from_the_environment_has_its_name_there(of_two: dict[str, str], tmp_path: Path) -> None:
    text = TWO.replace('client_secret = "secret-2"\n', "")
    said = sections(check({**of_two, **written(tmp_path, text), "SLACK_CLIENT_SECRET": "another"}).stdout)
    assert words(said[FIRST])["client_secret"] == "right"
    assert words(said[SECOND])["SLACK_CLIENT_SECRET"] == "WRONG"


def test_what_cannot_be_seen_is_said_of_each_app_with_where_to_look(of_two: dict[str, str], tmp_path: Path) -> None:
    said = sections(check({**of_two, **written(tmp_path, TWO)}).stdout)
    first, second = (said[f"{NOT_VISIBLE}{title}"] for title in (FIRST, SECOND))
    ours = "http://127.0.0.1:8000/slack"
    for section, client_id in ((first, "1.1"), (second, "2.2")):
        assert f"https://api.slack.com/apps, in the settings of the app with the client id {client_id}:" in section
        assert re.search(rf"OAuth & Permissions > Redirect URLs +{ours}/oauth_redirect", section)
        assert re.search("Manage Distribution +it is activated", section)
        assert re.search("App Home > Show Tabs +the Messages Tab is on", section)
        assert re.search("From another network +http://127.0.0.1:8000/livez answers 200", section)
    assert re.search(rf"Event Subscriptions > Request URL +it is {ours}/events/slack-prod,", first)
    assert re.search(r"Basic Information > Signing Secret +it is that of APPS_FILE \[apps.slack-prod\] signing", first)
    assert "webhook ping" not in first
    assert "Event Subscriptions" not in second, "without a signing secret nothing listens"
    assert re.search(r"onboarding webhook ping +your endpoint in APPS_FILE \[apps.gadget slack\] webhook_url", second)
    assert "APPS_FILE [apps.gadget slack] signing_secret is not set" in said[SECOND]


def test_what_cannot_be_seen_is_said_of_a_single_app_as_well(good: dict[str, str]) -> None:
    said = sections(check({**good, "SLACK_SIGNING_SECRET": "signing"}).stdout)
    section = said[f"{NOT_VISIBLE}slack-prod, Sprocket"]
    assert re.search("Event Subscriptions > Request URL +it is http://127.0.0.1:8000/slack/events,", section)
    assert "Signing Secret  it is that of SLACK_SIGNING_SECRET" in re.sub(" {2,}", "  ", section)


def test_the_columns_are_aligned_and_nothing_decorates_them(of_two: dict[str, str], tmp_path: Path) -> None:
    done = check({**of_two, **written(tmp_path, TWO.replace('"secret-2"', '"another"'))})
    assert done.stdout.isascii()
    for title, section in sections(done.stdout).items():
        table = [line for line in section.splitlines() if re.match("  (right|WRONG|unknown) ", line)]
        starts = {re.match(r"  \w+ +(?:\(its name\)|\S+) +", line).end() for line in table}  # type: ignore[union-attr]
        assert len(starts) <= 1, title


def test_no_secret_is_shown(of_two: dict[str, str], tmp_path: Path) -> None:
    done = check({**of_two, **written(tmp_path, TWO.replace('"secret-1"', '"wrong-secret"'))})
    for secret in ("wrong-secret", "secret-2", "signing-1", "novu-key", "whsec_", of_two["SECRET_KEY"]):
        assert secret not in done.stdout + done.stderr
