"""APPS_FILE: a table for each Slack app, and every problem named by table and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from onboarding.model.errors import ConfigError
from onboarding.settings import environment
from onboarding.settings.environment import Settings
from tests.test_config import COMPLETE

SHARED = {name: COMPLETE[name] for name in ("PUBLIC_URL", "SECRET_KEY", "DATABASE_URL", "REDIS_URL")}
ONE = """
[apps.one]
client_id = "1.1"
client_secret = "secret-1"
novu_secret_key = "novu-1"
"""
TWO = """
[apps."two of us"]
client_id = "2.2"
client_secret = "secret-2"
novu_secret_key = "novu-2"
"""


def load(folder: Path, text: str, **env: str) -> Settings:
    (folder / "apps.toml").write_text(text)
    return environment.load({**SHARED, "APPS_FILE": str(folder / "apps.toml"), **env})


def problems(folder: Path, text: str, **env: str) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        load(folder, text, **env)
    return {problem.name: problem.message for problem in caught.value.problems}


def test_a_single_app_is_the_default(tmp_path: Path) -> None:
    apps = load(tmp_path, ONE).apps
    assert apps.default is not None
    assert apps.default.integration == apps.default.novu.integration == "one"


def test_of_several_none_is_the_default_unless_it_says_so(tmp_path: Path) -> None:
    assert load(tmp_path, ONE + TWO).apps.default is None
    assert load(tmp_path, ONE + "default = true\n" + TWO).apps.default.integration == "one"  # type: ignore[union-attr]
    named = load(tmp_path, ONE + TWO, NOVU_INTEGRATION_IDENTIFIER="two of us").apps.default
    assert named is not None
    assert named.integration == "two of us"


def test_what_a_table_leaves_out_comes_from_the_environment(tmp_path: Path) -> None:
    env = {"SLACK_SIGNING_SECRET": "signing", "PRODUCT_NAME": "Sprocket", "SUPPORT_CONTACT": "help@sprocket.example"}
    text = ONE + 'product_name = "One"\n' + TWO
    one, two = load(tmp_path, text, **env).apps.all
    assert (one.brand.product_name, two.brand.product_name) == ("One", "Sprocket")
    assert {app.brand.support_contact for app in (one, two)} == {"help@sprocket.example"}
    assert [app.signing_keys[0].reveal() for app in (one, two)] == ["signing", "signing"]


def test_values_come_from_the_environment_and_from_files_beside_it(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(" from-a-file\n")
    text = """
    [apps.one]
    client_id = " 1.1 "
    client_secret = { file = "secret" }
    novu_secret_key = { env = "ONES_KEY" }
    signing_secret = ["new", { env = "OLD_SECRET" }]
    scopes = ["chat:write", "im:write"]
    """
    [app] = load(tmp_path, text, ONES_KEY=" from-the-environment ", OLD_SECRET="old").apps.all
    assert app.slack.client_id == "1.1"
    assert app.slack.client_secret.reveal() == "from-a-file"
    assert app.novu.secret_key.reveal() == "from-the-environment"
    assert [key.reveal() for key in app.signing_keys] == ["new", "old"]
    assert app.slack.scopes == ("chat:write", "im:write")


@pytest.mark.parametrize("name", [" slack", "slack ", "\\tslack", "a/b", "/", ".", ".."])
def test_a_name_that_no_address_can_contain_is_refused(tmp_path: Path, name: str) -> None:
    found = problems(tmp_path, f'[apps."{name}"]\nclient_id = "1.1"')
    assert len(found) == 1
    assert "APPS_FILE [apps." in str(found)


@pytest.mark.parametrize("name", ["gadget slack", "a.b", "ä", "a%2Fb"])
def test_other_names_are_as_good_as_novus(tmp_path: Path, name: str) -> None:
    assert list(load(tmp_path, ONE.replace("apps.one", f'apps."{name}"')).apps.by_integration) == [name]


def test_every_problem_is_named_by_table_and_key_at_once(tmp_path: Path) -> None:
    (tmp_path / "two-lines").write_text("one\ntwo")
    (tmp_path / "empty").write_text("\n")
    text = """
    colour = "red"

    [apps.one]
    client_id = 1234567890.1234567890
    client_secret = { file = "two-lines" }
    novu_secret_key = { env = "NOT_SET" }
    accent_color = "#ffff00"
    product_logo_url = "https://x.example/a'b.png"
    webhook_url = "http://x.example/"
    client_sekret = "x"

    [apps.two]
    client_id = "2:2"
    client_secret = { file = "not-there" }
    novu_secret_key = { file = "empty" }
    scopes = [1]
    default = "yes"
    product_name = { env = "A", file = "b" }
    webhook_secrets = "whsec_x"
    """
    found = problems(tmp_path, text)
    assert set(found) == {
        "APPS_FILE",
        *(
            f"APPS_FILE [apps.one] {key}"
            for key in (
                *("client_id", "client_secret", "novu_secret_key", "accent_color", "product_logo_url"),
                *("webhook_url", "webhook_secrets", "client_sekret"),
            )
        ),
        *(
            f"APPS_FILE [apps.two] {key}"
            for key in (
                *("client_id", "client_secret", "novu_secret_key", "scopes", "default", "product_name"),
                *("webhook_url", "webhook_secrets"),
            )
        ),
    }
    assert found["APPS_FILE [apps.one] client_id"].startswith("must be text in quotes")
    assert found["APPS_FILE [apps.one] webhook_secrets"] == "is required"
    assert "NOT_SET" in found["APPS_FILE [apps.one] novu_secret_key"]


def test_no_problem_shows_a_value(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret with a blank")
    text = ONE.replace('"novu-1"', '{ file = "key" }').replace('"secret-1"', '"s3cret ü"')
    assert "s3cret" not in str(problems(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "needs a table"),
        ("apps = 1", "needs a table"),
        ("[apps]", "needs a table"),
        ("[apps.one", "is not TOML"),
        ("[apps.one]\n[apps.one]", "is not TOML"),
        (ONE + "default = true\n" + TWO + "default = true\n", "more than once: one, two of us"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said in problems(tmp_path, text)["APPS_FILE"]


def test_a_file_that_is_not_there_or_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for path, said in (("not-there", "path of a file"), ("", "path of a file"), ("binary", "is not TOML")):
        with pytest.raises(ConfigError) as caught:
            environment.load({**SHARED, "APPS_FILE": f"{tmp_path}/{path}"})
        assert [said in problem.message for problem in caught.value.problems] == [True]


def test_two_tables_for_one_slack_app_are_refused(tmp_path: Path) -> None:
    found = problems(tmp_path, ONE + TWO.replace("2.2", "1.1"))
    assert found == {"APPS_FILE [apps.two of us] client_id": "is the same as that of one"}


def test_the_default_of_the_environment_has_to_be_one_of_them(tmp_path: Path) -> None:
    for text, name in ((ONE + TWO, "three"), (ONE + "default = true\n" + TWO, "two of us")):
        assert set(problems(tmp_path, text, NOVU_INTEGRATION_IDENTIFIER=name)) == {"NOVU_INTEGRATION_IDENTIFIER"}


def test_a_wrong_value_of_the_environment_is_named_once_by_its_own_name(tmp_path: Path) -> None:
    assert set(problems(tmp_path, ONE + TWO, SLACK_SCOPES="chat write")) == {"SLACK_SCOPES"}


def test_other_problems_are_in_the_same_report(tmp_path: Path) -> None:
    found = problems(tmp_path, ONE.replace("1.1", ""), PUBLIC_URL="x", CHECK_INTERVAL="5")
    assert set(found) == {"PUBLIC_URL", "CHECK_INTERVAL", "APPS_FILE [apps.one] client_id"}
