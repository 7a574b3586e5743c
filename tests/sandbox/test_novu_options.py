"""What one Novu differs from another in: its plan, its age, what it shows, how many environments it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any, TypeAlias

import pytest
import requests
import time_machine

from onboarding.sandbox.novu import Options, create_novu
from onboarding.sandbox.serve import serving
from tests.sandbox.clients import NovuSite, connection, message_of

MakeSite: TypeAlias = Callable[..., NovuSite]


@pytest.fixture
def make_site(session: requests.Session) -> Iterator[MakeSite]:
    with ExitStack() as stack:

        def make(*keys: str, idempotency: bool = False, **options: Any) -> NovuSite:
            app = create_novu(*keys, idempotency=idempotency, options=Options(**options))
            return NovuSite(stack.enter_context(serving(app)), app.extensions["novu"], session)

        yield make


def limits(answer: requests.Response) -> tuple[int, int]:
    return int(answer.headers["RateLimit-Remaining"]), int(answer.headers["RateLimit-Reset"])


def test_a_free_plan_allows_110_at_once_and_100_more_every_5_seconds(make_site: MakeSite) -> None:
    with time_machine.travel("2030-01-01T00:00Z", tick=False) as clock:
        site = make_site(rate_limit=True)
        answers = [site.send("GET") for _ in range(111)]
        assert [answer.status_code for answer in answers] == [200] * 110 + [429]
        assert [limits(answer) for answer in answers[:2]] == [(109, 5), (108, 5)]
        assert limits(answers[-1]) == (0, 5)
        assert answers[-1].headers["Retry-After"] == "5"
        assert answers[-1].json()["ctx"] == {}
        clock.shift(timedelta(seconds=4.5))
        assert site.send("GET").headers["Retry-After"] == "1"
        clock.shift(timedelta(seconds=0.5))
        assert limits(site.send("GET")) == (99, 5)
        clock.shift(timedelta(hours=1))
        assert limits(site.send("GET"))[0] == 109


def test_neither_a_wrong_key_nor_anything_else_costs(make_site: MakeSite) -> None:
    site = make_site(rate_limit=True)
    assert not [name for name in site.send("GET", headers={"Authorization": ""}).headers if "RateLimit" in name]
    site.session.get(f"{site.url}/v1/integrations", headers=site.headers)
    assert limits(site.create())[0] == 109


def test_each_environment_has_its_own_limit(make_site: MakeSite) -> None:
    site = make_site("one", "two", rate_limit=True)
    remaining = [
        limits(site.send("GET", headers={"Authorization": f"ApiKey {key}"}))[0] for key in ("one", "one", "two")
    ]
    assert remaining == [109, 108, 109]


def test_a_limited_request_is_not_kept_under_its_key(make_site: MakeSite) -> None:
    site = make_site(idempotency=True)
    site.suffer("rate_limited", times="1")
    assert [site.create("key").status_code for _ in range(2)] == [429, 201]


def test_an_older_novu_replays_an_error_as_503(make_site: MakeSite) -> None:
    site = make_site(idempotency=True, legacy_idempotency=True)
    answers = [site.create("key", subscriberId="nobody") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [404, 503]
    assert answers[1].headers["Idempotency-Replay"] == "true"
    assert [site.create("other").status_code for _ in range(2)] == [201, 201]


def test_a_discreet_novu_never_shows_a_token(make_site: MakeSite) -> None:
    site = make_site(redact=True)
    rotating = {"accessToken": "xoxb-secret", "refreshToken": "xoxe-1-secret", "expiresAt": "soon"}
    answers = [
        site.create(identifier="mine", auth=rotating),
        site.create(identifier="ours", connectionMode="shared", subscriberId=..., context={"tenant": "a"}),
        site.send("GET", "/mine"),
        site.send("PATCH", "/mine", json=connection(auth=rotating)),
        site.send("POST", "/mine/verify"),
        site.send("GET"),
    ]
    assert not [answer for answer in answers if "xox" in answer.text]
    mine, ours = (answer.json()["data"] for answer in answers[:2])
    assert (mine["auth"], mine["connected"], mine["connectionMode"]) == ({"accessToken": ""}, True, "subscriber")
    assert (ours["auth"], ours["connected"], ours["connectionMode"]) == ({"accessToken": ""}, True, "shared")
    empty = site.send("PATCH", "/ours", json=connection(auth={"accessToken": ""}))
    assert empty.json()["data"]["connected"] is False
    assert site.send("DELETE", "/mine").status_code == 204
    assert site.state.connections[0].identifier == "ours"


def test_every_key_has_an_environment_of_its_own(make_site: MakeSite) -> None:
    site = make_site("one", "two")
    one, two = ({"Authorization": f"ApiKey {key}"} for key in ("one", "two"))
    body = connection(identifier="mine")
    assert [site.send("POST", json=body, headers=key).status_code for key in (one, two, two)] == [201, 201, 409]
    assert site.send("DELETE", "/mine", headers=one).status_code == 204
    assert site.send("GET", "/mine", headers=two).status_code == 200
    assert site.send("GET", "/mine", headers=one).status_code == 404
    assert message_of(site.send("GET", headers={"Authorization": "ApiKey three"})) == (401, "API Key not found")
    first, second = site.state.environments
    message = message_of(site.send("POST", json={**body, "context": {"a": "b"}}, headers=two))[1]
    assert second.id in message
    assert first.id not in message


def test_environments_share_their_idempotency_keys(make_site: MakeSite) -> None:
    """They belong to one organisation, and that is all a key is kept by."""
    site = make_site("one", "two", idempotency=True)
    answers = [
        site.send("POST", json=connection(), headers={"Authorization": f"ApiKey {key}", "Idempotency-Key": "key"})
        for key in ("one", "two")
    ]
    assert answers[0].json() == answers[1].json()
    assert [len(environment.connections) for environment in site.state.environments] == [1, 0]


def test_the_page_shows_every_environment(make_site: MakeSite) -> None:
    site = make_site("one", "two")
    second = site.state.environments[1]
    form = {"subscriberId": "somebody", "environment": second.id}
    site.session.post(f"{site.url}/subscribers", data=form)
    assert [*second.subscribers] == ["subscriber-123", "somebody"]
    assert [*site.state.environment.subscribers] == ["subscriber-123"]
    page = site.session.get(site.url).text
    assert "Channel connections of environment 2" in page
    assert "<code>somebody</code>" in page
    form["environment"] = "nonsense"
    assert site.session.post(f"{site.url}/subscribers", data=form).status_code == 400


def test_the_page_stays_short(make_site: MakeSite) -> None:
    site = make_site()
    for number in range(101):
        site.created(identifier=f"c-{number}", context={"number": str(number)})
    page = site.session.get(site.url).text
    assert "The latest 100 of 101." in page
    assert "<code>c-100</code>" in page
    assert "<code>c-0</code>" not in page
