"""What every answer keeps, and the pages for whatever fits nowhere else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from tests.fakes import LocalSlack
from tests.person import Person
from tests.witness import Witness


def test_the_front_door_says_that_a_link_is_needed(person: Person) -> None:
    page = person.open("/")
    assert page.status == 200
    assert page.heading == "Connect Slack with a link from Sprocket"


def test_it_lives_and_is_ready(person: Person) -> None:
    assert person.open("/livez").text == "ok"
    assert person.open("/readyz").text == "ok"


@pytest.mark.parametrize(
    "away", [{"REDIS_URL": "unix:///nowhere/redis.sock"}, {"DATABASE_URL": "postgresql://nobody@/none?host=/nowhere"}]
)
def test_without_a_store_it_lives_and_is_not_ready(
    make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness, away: dict[str, str]
) -> None:
    somebody = Person(make_app(**away), slack, witness)
    assert somebody.open("/livez").status == 200
    assert somebody.open("/readyz").status == 503


@pytest.mark.parametrize("path", ["/nothing", "/install/", "/attempts/", "/admin", "/v1/links", "/%00", "/%ff"])
def test_an_unknown_page_is_a_page(person: Person, path: str) -> None:
    assert person.open(path).status == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/slack//oauth_redirect?code=xyz&state=xyz", 400),
        ("/install//xyz", 404),
        ("//install/xyz", 404),
        ("/attempts/xyz/", 404),
    ],
)
def test_a_slash_too_many_is_not_repeated(app: Flask, path: str, status: int) -> None:
    path, _, query = path.partition("?")
    response = app.test_client().get("/", environ_overrides={"PATH_INFO": path, "QUERY_STRING": query})
    assert response.status_code == status
    assert "xyz" not in response.text
    assert "Location" not in response.headers


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
def test_a_wrong_method_is_a_page(person: Person, link: str, method: str) -> None:
    assert person.open(link, method).status == 405
    assert "GET" in person.open(link, method).headers["Allow"]


def test_only_the_form_that_leads_to_slack_may_lead_elsewhere(app: Flask, link: str) -> None:
    policy = app.test_client().get("/").headers["Content-Security-Policy"]
    assert policy.endswith("; form-action 'self'")
    assert "form-action" not in app.test_client().get(link).headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy


def test_https_is_for_good(make_app: Callable[..., Flask]) -> None:
    headers = make_app(PUBLIC_URL="https://connect.example.com").test_client().get("/").headers
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in make_app().test_client().get("/").headers


def test_static_files_may_be_kept(app: Flask) -> None:
    for name in ("tokens.css", "pages.css", "customer.css", "poll.js", "copy.js", "icon.svg"):
        with app.test_client().get(f"/static/{name}") as response:
            assert response.status_code == 200
            assert "max-age=3600" in response.headers["Cache-Control"]
            assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert app.test_client().get("/static/nothing").headers["Cache-Control"] == "no-store"


def test_a_request_id_of_ours_is_on_the_page_and_in_the_headers(person: Person) -> None:
    page = person.open("/nothing", headers={"X-Request-ID": "chosen-by-a-stranger"})
    assert page.headers["X-Request-ID"] in page.text
    assert "chosen-by-a-stranger" not in page.source


def test_behind_a_trusted_proxy_its_request_id_is_kept(make_app: Callable[..., Flask]) -> None:
    client = make_app(TRUSTED_PROXY_COUNT="1").test_client()
    assert client.get("/", headers={"X-Request-ID": "from-the-proxy-1"}).headers["X-Request-ID"] == "from-the-proxy-1"
    assert client.get("/", headers={"X-Request-ID": "a\u00a0b<"}).headers["X-Request-ID"] != "a\u00a0b<"


def test_an_unexpected_error_is_a_page_without_details(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    def explode(token: str) -> str:
        raise RuntimeError("the details")

    app.add_url_rule("/explode/<token>", view_func=explode)
    response = app.test_client().get("/explode/secret-token")
    assert response.status_code == 500
    assert "Something went wrong on our side" in response.text
    assert "the details" not in response.text
    assert "secret-token" not in caplog.text
