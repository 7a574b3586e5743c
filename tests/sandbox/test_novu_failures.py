"""The switch for failures: each does what it says, as often as it says, to channel connections and endpoints only."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest
import requests

from tests.sandbox.clients import NovuSite, complaints_of, connection, gets_no_answer, message_of

ANSWERS: Final = [
    ("conflict", 409, 'identifier "mine" already exists in environment'),
    ("integration_missing", 404, "Integration not found: slack-prod"),
    ("subscriber_missing", 404, "Subscriber not found: subscriber-123"),
    ("unauthorized", 401, "API Key not found"),
    ("rate_limited", 429, "API rate limit exceeded"),
    ("rejected", 422, "Validation Error"),
    ("in_progress", 409, "is currently being processed"),
    ("error_twice", 500, "Internal server error"),
    ("duplicate_key", 500, "Internal server error"),
    ("feature_off", 404, "Feature not enabled"),
    ("unavailable", 503, "Rate limiting cache service is not available"),
]
"""What creating a channel connection or a channel endpoint is told."""


@pytest.mark.parametrize(("slug", "status", "words"), ANSWERS)
def test_a_failure_answers_in_novus_words(novu_site: NovuSite, slug: str, status: int, words: str) -> None:
    novu_site.suffer(slug)
    answer = novu_site.create(identifier="mine")
    assert message_of(answer)[0] == status
    assert words in answer.json()["message"]
    assert novu_site.state.connections == ()
    assert ("Retry-After" in answer.headers) is (slug in {"rate_limited", "in_progress"})


@pytest.mark.parametrize("slug", ["conflict", "unauthorized", "rate_limited", "rejected", "html"])
def test_most_last_until_cleared(novu_site: NovuSite, slug: str) -> None:
    novu_site.suffer(slug)
    statuses = {novu_site.create().status_code for _ in range(3)}
    assert len(statuses) == 1
    novu_site.suffer("none")
    assert novu_site.create().status_code == 201


@pytest.mark.parametrize(("slug", "times"), [("in_progress", 1), ("error_twice", 2)])
def test_some_end_by_themselves(novu_site: NovuSite, slug: str, times: int) -> None:
    novu_site.suffer(slug)
    statuses = [novu_site.create(context={"number": str(number)}).status_code for number in range(3)]
    assert statuses[times:] == [201] * (3 - times)
    assert 201 not in statuses[:times]


def test_times_can_be_chosen(novu_site: NovuSite) -> None:
    novu_site.suffer("unauthorized", times="1")
    assert [novu_site.send("GET").status_code for _ in range(2)] == [401, 200]


@pytest.mark.parametrize("times", ["0", "-1", "x", "1001", "9" * 5000, "²"])
def test_nonsense_times_are_refused(novu_site: NovuSite, times: str) -> None:
    assert novu_site.suffer("down", times=times).status_code == 400
    assert novu_site.send("GET").status_code == 200


def test_a_conflict_has_nothing_to_find(novu_site: NovuSite) -> None:
    novu_site.suffer("conflict")
    assert novu_site.create(identifier="mine").status_code == 409
    assert novu_site.rows() == []
    assert novu_site.send("GET", "/mine").status_code == 404


def test_an_error_after_the_commit_keeps_what_it_hides(novu_site: NovuSite) -> None:
    novu_site.suffer("error_after_commit")
    assert novu_site.create(identifier="mine").status_code == 500
    assert novu_site.rows() == ["mine"]
    novu_site.suffer("error_after_commit")
    assert novu_site.send("PATCH", "/mine", json=connection(workspace={"id": "T2"})).status_code == 500
    assert novu_site.state.connections[0].workspace_id == "T2"


def test_a_refused_write_leaves_the_error_for_the_next(novu_site: NovuSite) -> None:
    novu_site.suffer("error_after_commit")
    assert novu_site.create(subscriberId="nobody").status_code == 404
    assert novu_site.create().status_code == 500


def test_an_answer_cut_short_is_no_json_but_kept(novu_site: NovuSite) -> None:
    novu_site.suffer("truncated")
    answer = novu_site.create(identifier="mine")
    assert answer.status_code == 201
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert novu_site.rows() == ["mine"]


def test_down_answers_nobody_until_cleared(novu_site: NovuSite) -> None:
    novu_site.suffer("down")
    assert all(gets_no_answer(lambda: novu_site.send("GET")) for _ in range(3))
    assert novu_site.state.requests("list") == 3
    novu_site.suffer("none")
    assert novu_site.send("GET").status_code == 200


def test_html_is_a_gateways(novu_site: NovuSite) -> None:
    novu_site.suffer("html")
    answer = novu_site.send("GET")
    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html; charset=utf-8")


def test_slow_takes_its_time_and_works(novu_site: NovuSite) -> None:
    novu_site.suffer("slow")
    answer = novu_site.create()
    assert answer.status_code == 201
    assert answer.elapsed >= timedelta(seconds=0.2)


def test_rejected_says_what_is_wrong(novu_site: NovuSite) -> None:
    novu_site.suffer("rejected")
    assert complaints_of(novu_site.create()) == ["auth.accessToken must be a string"]
    assert novu_site.send("GET").status_code == 200


def test_an_unknown_provider_is_in_every_answer(novu_site: NovuSite) -> None:
    made = novu_site.created(identifier="mine")
    novu_site.suffer("unknown_provider")
    answers = [novu_site.send("GET", "/mine"), novu_site.send("PATCH", "/mine", json=connection())]
    answers.append(novu_site.create(context={"tenant": "a"}))
    rows = [*(answer.json()["data"] for answer in answers), *novu_site.send("GET").json()["data"]]
    assert {row["providerId"] for row in rows} == {"carrier-pigeon"}
    assert novu_site.send("DELETE", "/mine").status_code == 204
    assert made["providerId"] == novu_site.state.connections[0].integration.provider_id == "slack"


def test_new_fields_are_everywhere_in_an_answer(novu_site: NovuSite) -> None:
    made = novu_site.created(identifier="mine")
    novu_site.suffer("extra_fields")
    shown = novu_site.send("GET", "/mine").json()["data"]
    assert all("futureField" in place for place in (shown, shown["workspace"], shown["auth"]))
    novu_site.suffer("none")
    assert novu_site.send("GET", "/mine").json()["data"] == made


def test_everything_else_is_spared(novu_site: NovuSite) -> None:
    novu_site.suffer("down")
    url = f"{novu_site.url}/v1/integrations"
    assert novu_site.session.get(url, headers=novu_site.headers).status_code == 200
    assert novu_site.session.get(novu_site.url).status_code == 200


def test_an_unknown_failure_changes_nothing(novu_site: NovuSite) -> None:
    novu_site.suffer("rejected")
    assert novu_site.suffer("nonsense").status_code == 400
    assert novu_site.create().status_code == 422


def test_a_wrong_key_is_no_way_around_unauthorized(novu_site: NovuSite) -> None:
    answer = novu_site.send("GET", headers={"Authorization": "ApiKey wrong"})
    assert message_of(answer) == (401, "API Key not found")


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}, {"Origin": "null"}]
)
def test_another_site_cannot_switch(novu_site: NovuSite, headers: dict[str, str]) -> None:
    for path in ("failure", "subscribers", "integrations"):
        answer = novu_site.session.post(f"{novu_site.url}/{path}", data={"name": "down"}, headers=headers)
        assert answer.status_code == 403
    assert novu_site.send("GET").status_code == 200
