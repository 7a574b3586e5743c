"""Settings: read once, every problem in one report, no value ever shown."""

from __future__ import annotations

import pytest

from onboarding.model.errors import ConfigError
from onboarding.settings import environment

COMPLETE = {
    "PUBLIC_URL": "https://connect.example.com",
    "SECRET_KEY": "k" * 32,
    "REDIS_URL": "redis://localhost:6379/0",
    "SLACK_CLIENT_ID": "1234567890.1234567890",
    "SLACK_CLIENT_SECRET": "slack-secret",
    "NOVU_SECRET_KEY": "novu-secret",
    "NOVU_INTEGRATION_IDENTIFIER": "slack-prod",
}
REQUIRED = sorted(COMPLETE)


def problems(**changes: str) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        environment.load({**COMPLETE, **changes})
    return {problem.name: problem.message for problem in caught.value.problems}


def test_the_required_settings_are_enough() -> None:
    settings = environment.load(COMPLETE)
    assert settings.slack.redirect_uri == "https://connect.example.com/slack/oauth_redirect"
    assert settings.slack.url == "https://slack.com"
    assert settings.novu.url == "https://api.novu.co"
    assert settings.product_name == "this app"
    assert settings.link_max_age.days == 7
    assert settings.attempt_retention.days == 30
    assert settings.slack.scopes[0] == "chat:write"
    assert len(settings.slack.scopes) == 6


def test_everything_that_is_missing_is_reported_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        environment.load({})
    assert sorted(problem.name for problem in caught.value.problems) == REQUIRED


def test_a_report_names_settings_and_never_shows_values() -> None:
    with pytest.raises(ConfigError) as caught:
        environment.load({"SECRET_KEY": "hunter2", "API_KEYS": "hunter3", "REDIS_URL": "http://:hunter4@x"})
    assert "hunter" not in str(caught.value)
    assert {"SECRET_KEY", "API_KEYS", "REDIS_URL"} <= {problem.name for problem in caught.value.problems}


def test_settings_never_show_their_secrets() -> None:
    shown = repr(environment.load({**COMPLETE, "REDIS_URL": "redis://:redis-secret@x", "ADMIN_PASSWORD": "p" * 12}))
    assert "secret" not in shown.replace("client_secret", "").replace("secret_key", "")
    assert "k" * 32 not in shown
    assert "p" * 12 not in shown


def test_a_client_id_stays_the_string_it_is() -> None:
    assert environment.load({**COMPLETE, "SLACK_CLIENT_ID": "1234567890.1234567800"}).slack.client_id.endswith("00")


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "rediss://user:password@localhost:6380/1?ssl_ca_certs=/ca.pem",
        "unix:///run/redis.sock?db=1",
        "redis+sentinel://user:p%40ss@one:26379,two:26380/primary/2",
        "redis+sentinel://one/primary",
    ],
)
def test_every_kind_of_redis_is_welcome(url: str) -> None:
    assert environment.load({**COMPLETE, "REDIS_URL": url}).redis_url.reveal() == url


def test_fallback_keys_come_before_the_key_that_signs() -> None:
    settings = environment.load({**COMPLETE, "SECRET_KEY_FALLBACKS": f"{'a' * 32}, {'b' * 32}"})
    assert [key.reveal()[0] for key in settings.secret_keys] == ["a", "b", "k"]


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Connect.Example.com/", "https://connect.example.com"),
        ("https://connect.example.com:443", "https://connect.example.com"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://localhost:80", "http://localhost"),
    ],
)
def test_the_public_url_is_kept_as_browsers_write_it(url: str, origin: str) -> None:
    assert environment.load({**COMPLETE, "PUBLIC_URL": url}).public_url == origin


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_URL", "connect.example.com"),
        ("PUBLIC_URL", "http://connect.example.com"),
        ("PUBLIC_URL", "https://connect.example.com/slack"),
        ("PUBLIC_URL", "https://user@connect.example.com"),
        ("PUBLIC_URL", "https://connect.example.com?x=1"),
        ("PUBLIC_URL", "https://connect.example.com:port"),
        ("PUBLIC_URL", "https://bücher.example"),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY_FALLBACKS", f"{'a' * 32},short"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis:///0"),
        ("REDIS_URL", "redis://localhost/zero"),
        ("REDIS_URL", "unix://"),
        ("REDIS_URL", "redis://localhost:99999999"),
        ("REDIS_URL", "redis://localhost/0?nonsense=1"),
        ("REDIS_URL", "redis://localhost/0?ssl_ca_certs=/ca.pem"),
        ("REDIS_URL", "redis://localhost?db=zero"),
        ("REDIS_URL", "redis+sentinel://localhost"),
        ("REDIS_URL", "redis+sentinel://host:port/primary"),
        ("SECRET_KEY", " " * 40),
        ("SECRET_KEY", "\udcff" * 40),
        ("SECRET_KEY_FALLBACKS", "\udcff" * 40),
        ("SUPPORT_CONTACT", "javascript://a@b.example"),
        ("SLACK_URL", "https://slack.com;script-src"),
        ("PUBLIC_URL", "https://connect.example.com:0"),
        ("PUBLIC_URL", "https://connect.example\\.com"),
        ("SLACK_CLIENT_ID", "with space"),
        ("SLACK_CLIENT_ID", "with:colon"),
        ("SLACK_CLIENT_SECRET", "naïve"),
        ("SLACK_SCOPES", "chat:write;users:read"),
        ("SLACK_SCOPES", ","),
        ("SLACK_URL", "http://slack.com"),
        ("SLACK_URL", "https://slack.com/api"),
        ("NOVU_URL", "api.novu.co"),
        ("NOVU_SECRET_KEY", "two\nlines"),
        ("NOVU_INTEGRATION_IDENTIFIER", " "),
        ("API_KEYS", "short"),
        ("ADMIN_PASSWORD", "short"),
        ("PRODUCT_NAME", "x" * 81),
        ("SUPPORT_CONTACT", "call us"),
        ("SUPPORT_CONTACT", "javascript:alert(1)"),
        ("LINK_MAX_AGE", "7d"),
        ("LINK_MAX_AGE", "0"),
        ("LINK_MAX_AGE", "-1"),
        ("LINK_MAX_AGE", "9" * 30),
        ("ATTEMPT_RETENTION", "1e6"),
        ("TRUSTED_PROXY_COUNT", "11"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_a_malformed_setting_is_named(name: str, value: str) -> None:
    assert list(problems(**{name: value})) == [name]


OIDC = {
    "OIDC_ISSUER": "https://login.example.com/tenant/",
    "OIDC_CLIENT_ID": "client",
    "OIDC_CLIENT_SECRET": "oidc-secret",
    "OIDC_ALLOWED_EMAILS": "Olivia@Example.com, @sprocket.example",
}


def test_single_sign_on_is_all_or_nothing() -> None:
    assert environment.load(COMPLETE).oidc is None
    assert set(problems(OIDC_ISSUER=OIDC["OIDC_ISSUER"])) == set(OIDC) - {"OIDC_ISSUER"}
    oidc = environment.load({**COMPLETE, **OIDC}).oidc
    assert oidc
    assert oidc.allowed == {"olivia@example.com", "@sprocket.example"}
    assert oidc.operators == frozenset()
    assert oidc.redirect_uri == "https://connect.example.com/admin/sign-in/callback"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OIDC_ISSUER", "http://login.example.com"),
        ("OIDC_ISSUER", "login.example.com"),
        ("OIDC_ISSUER", "https://login.example.com/?x=1"),
        ("OIDC_CLIENT_SECRET", "two words"),
        ("OIDC_ALLOWED_EMAILS", "example.com"),
        ("OIDC_ALLOWED_EMAILS", "*"),
        ("OIDC_ALLOWED_EMAILS", "@"),
        ("OIDC_ALLOWED_EMAILS", "a@b@example.com"),
        ("OIDC_OPERATOR_EMAILS", "everybody"),
    ],
)
def test_a_wrong_single_sign_on_setting_is_named(name: str, value: str) -> None:
    assert set(problems(**{**OIDC, name: value})) == {name}


def test_single_sign_on_alone_opens_the_status_page() -> None:
    assert not environment.load(COMPLETE).has_status_page
    assert environment.load({**COMPLETE, **OIDC}).has_status_page
    assert environment.load({**COMPLETE, "ADMIN_PASSWORD": "p" * 12}).has_status_page


def test_an_api_key_has_to_fit_into_a_header() -> None:
    assert set(problems(API_KEYS="ü" * 32)) == {"API_KEYS"}
    assert set(problems(API_KEYS="two words and more than thirty-two characters")) == {"API_KEYS"}
