"""What the Slack client does with Slack's own words."""

from __future__ import annotations

import pytest

from onboarding.clock import utc_now
from onboarding.model import Grant, Reason, Secret
from onboarding.model.errors import SlackRefused
from onboarding.model.names import clean_name
from onboarding.remote.slack import REASONS, Slack, error_word
from onboarding.settings.environment import SlackSettings
from tests.scripted import Script, answer, scripted

DOCUMENTED = {
    "bad_client_secret": Reason.SLACK_MISCONFIGURED,
    "bad_redirect_uri": Reason.SLACK_MISCONFIGURED,
    "unknown_method": Reason.SLACK_MISCONFIGURED,
    "invalid_code": Reason.CODE_REFUSED,
    "code_already_used": Reason.CODE_REFUSED,
    "ratelimited": Reason.SLACK_UNAVAILABLE,
    "fatal_error": Reason.SLACK_UNAVAILABLE,
    "team_added_to_org": Reason.SLACK_UNAVAILABLE,
    "org_login_required": Reason.WORKSPACE_POLICY,
    "invalid_auth": Reason.WORKSPACE_POLICY,
}


@pytest.mark.parametrize(("error", "reason"), DOCUMENTED.items())
def test_documented_errors_are_grouped_by_what_to_do(error: str, reason: Reason) -> None:
    assert REASONS[error] is reason


def test_every_documented_error_has_one_group() -> None:
    assert len(REASONS) == 18 + 7 + 6 + 16


@pytest.mark.parametrize("error", [None, 7, "", "<b>", "x" * 65, "Über", "a b", "a\x00", ["x"], {"a": 1}])
def test_an_error_that_is_not_a_word_is_not_kept(error: object) -> None:
    assert error_word(error) == "unreadable"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Acme", "Acme"),
        ("  Acme \n\t HQ  ", "Acme HQ"),
        ("\u202eevil\u202c", "evil"),
        ("a\u200eb\u200fc\u2066d\u2069", "abcd"),
        ("nul\x00led", "nulled"),
        ("\N{ROCKET} \N{FAMILY}", "\N{ROCKET} \N{FAMILY}"),
        ("\N{WOMAN}\u200d\N{PERSONAL COMPUTER}", "\N{WOMAN}\u200d\N{PERSONAL COMPUTER}"),
        ("שלום", "שלום"),
        ("x" * 200, "x" * 79 + "…"),
        ("\u202e", ""),
        ("\ud800x", "x"),
    ],
)
def test_names_stay_on_their_line(given: str, kept: str) -> None:
    assert clean_name(given) == kept


REDIRECT_URI = "https://x.example/slack/oauth_redirect"


def redeem(seconds: str) -> Grant:
    """What comes of a grant that lives for so many seconds, in JSON."""
    body = f'{{"ok": true, "access_token": "xoxb-1", "team": {{"id": "T1"}}, "expires_in": {seconds}}}'
    with scripted(Script([answer(200, body.encode())])) as url:
        return Slack(SlackSettings(url, "1.1", Secret("secret"), (), REDIRECT_URI), utc_now).redeem(Secret("code"))


@pytest.mark.parametrize("seconds", ["null", "[]", "0", "1e12", "-5"])
def test_a_life_that_makes_no_sense_counts_as_none(seconds: str) -> None:
    assert redeem(seconds).expires_at is None


@pytest.mark.parametrize("seconds", ["1e400", "-1e400", '"soon"'])
def test_a_life_that_is_no_number_is_trouble_at_slack(seconds: str) -> None:
    with pytest.raises(SlackRefused) as caught:
        redeem(seconds)
    assert caught.value.reason is Reason.SLACK_UNAVAILABLE
