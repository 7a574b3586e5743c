"""The redirect URI: the right browser completes its attempt, once, whatever else arrives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import redis
from flask import Flask

from tests.aging import Database, pass_time
from tests.conftest import MintLink
from tests.fakes import LocalNovu, LocalSlack
from tests.person import Person, path_of, state_of
from tests.witness import Witness

BACK = "/slack/oauth_redirect"


@pytest.fixture
def stranger(app: Flask, slack: LocalSlack, witness: Witness) -> Person:
    return Person(app, slack, witness)


def test_an_approval_becomes_a_channel_connection(
    person: Person, link: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    page = person.install(link)
    assert page.status == 200
    assert page.heading == "Acme HQ is connected"
    [connection] = novu.state.connections
    assert connection.subscriber_id == "subscriber-123"
    assert connection.integration.identifier == "slack-prod"
    assert connection.workspace["id"] == "T9TK3CUKW"
    assert connection.auth["accessToken"] == slack.state.grants[0].token


def test_once_novu_has_the_grant_the_ledger_has_not(
    person: Person, link: str, ledger_db: Database, slack: LocalSlack
) -> None:
    person.install(link)
    [attempt] = ledger_db.execute("SELECT * FROM attempt").fetchall()
    assert attempt["sealed"] is None
    assert slack.state.grants[0].token not in str(attempt)
    assert ledger_db.execute("SELECT kind FROM work WHERE kind = 'deliver'").fetchall() == []


def test_a_shared_connection_has_no_subscriber(person: Person, mint: MintLink, novu: LocalNovu) -> None:
    link = mint(connectionMode="shared", context={"tenant": "org-1", "region": {"id": "eu", "data": {"name": "EU"}}})
    assert person.install(link).status == 200
    [connection] = novu.state.connections
    assert connection.subscriber_id is None
    assert sorted(connection.context_keys) == ["region:eu", "tenant:org-1"]


def test_coming_back_twice_redeems_once(person: Person, link: str, slack: LocalSlack, novu: LocalNovu) -> None:
    path = person.come_back(link)
    first, second = person.open(path), person.open(path)
    assert first.status == second.status == 303
    assert first.location == second.location
    assert slack.state.redeem_count == 1
    assert len(novu.state.connections) == 1


def test_another_browser_is_turned_away_and_burns_nothing(person: Person, stranger: Person, link: str) -> None:
    path = person.come_back(link)
    page = stranger.open(path)
    assert page.status == 403
    assert page.heading == "Please finish where you started"
    assert "/install/" not in page.source
    assert person.follow(person.open(path)).heading == "Acme HQ is connected"
    assert stranger.open(path).status == 403


def test_another_browser_cannot_decline_for_me(person: Person, stranger: Person, link: str) -> None:
    state = state_of(person.add_to_slack(link))
    assert stranger.open(f"{BACK}?state={state}&error=access_denied").status == 403


def test_two_tabs_do_not_fight(person: Person, mint: MintLink, novu: LocalNovu) -> None:
    first, second = person.come_back(mint()), person.come_back(mint(subscriberId="subscriber-123", context={"t": "1"}))
    assert person.follow(person.open(second)).heading == "Acme HQ is connected"
    assert person.follow(person.open(first)).heading == "Acme HQ is connected"
    assert len(novu.state.connections) == 2


def test_a_swapped_state_does_not_work(person: Person, stranger: Person, link: str, slack: LocalSlack) -> None:
    victim = state_of(person.add_to_slack(link))
    attacker = stranger.come_back(link)
    swapped = attacker.replace(state_of(attacker), victim)
    assert stranger.open(swapped).status == 403
    assert slack.state.redeem_count == 0


@pytest.mark.parametrize(
    ("answer", "heading", "status", "reason"),
    [
        ({"decision": "cancel"}, "Nothing was connected", "cancelled", "denied_by_person"),
        (
            {"outcome": "not_permitted"},
            "Your Slack admin has to approve this first",
            "awaiting_approval",
            "not_permitted",
        ),
        ({"outcome": "unexpected_error"}, "Slack stopped before the end", "failed", "slack_refused"),
    ],
)
def test_an_error_from_slack_ends_without_a_connection(
    person: Person, link: str, slack: LocalSlack, answer: dict[str, str], heading: str, status: str, reason: str
) -> None:
    back = person.open(person.come_back(link, **answer))
    page = person.follow(back)
    assert page.status == 200
    assert page.heading == heading
    assert "Nothing was connected" in page.text
    assert ">odd<" not in page.source
    told = person.open(f"{back.location}/status")
    assert f'"reason":"{reason}"' in told.source
    assert f'"status":"{status}"' in told.source
    assert slack.state.redeem_count == 0


@pytest.mark.parametrize(
    ("outcome", "heading", "reason"),
    [
        ("code_expired", "Slack did not accept this approval", "code_refused"),
        ("code_already_used", "Slack did not accept this approval", "code_refused"),
        ("unknown_error", "Slack stopped before the end", "slack_refused"),
        ("bad_client_secret", "We could not finish", "slack_misconfigured"),
        ("workspace_policy", "Your workspace does not allow this", "workspace_policy"),
        ("server_error", "Slack did not answer", "slack_unavailable"),
        ("rate_limited", "Slack did not answer", "slack_unavailable"),
        ("html", "Slack did not answer", "slack_unavailable"),
        ("truncated", "Slack did not answer", "slack_unavailable"),
        ("reset_before", "Slack did not answer", "slack_unavailable"),
        ("reset_after", "Slack did not answer", "slack_unavailable"),
        ("user_only", "One permission is missing", "no_bot_token"),
        ("ok_without_token", "One permission is missing", "no_bot_token"),
        ("fewer_scopes", "One permission is missing", "scopes_missing"),
    ],
)
def test_a_code_that_buys_nothing_fails_with_a_page(
    person: Person, link: str, slack: LocalSlack, novu: LocalNovu, outcome: str, heading: str, reason: str
) -> None:
    back = person.open(person.come_back(link, outcome=outcome))
    page = person.follow(back)
    assert page.status == 200
    assert page.heading == heading
    status = person.open(f"{back.location}/status")
    assert f'"reason":"{reason}"' in status.source
    assert '"status":"failed"' in status.source
    assert slack.state.redeem_count == 1
    assert not novu.state.connections


def test_the_missing_permission_is_named(person: Person, link: str) -> None:
    page = person.install(link, outcome="fewer_scopes")
    assert "See private channels it was added to" in page.text


def test_trying_again_after_a_failure_works_from_the_page(person: Person, link: str) -> None:
    page = person.install(link, outcome="code_expired")
    assert person.install(page.link("Start again")).heading == "Acme HQ is connected"


def test_slow_is_not_lost(person: Person, link: str) -> None:
    assert person.install(link, outcome="slow").heading == "Acme HQ is connected"


def test_an_org_wide_grant_is_named_by_its_organisation(person: Person, link: str, novu: LocalNovu) -> None:
    page = person.install(link, outcome="org_wide")
    [connection] = novu.state.connections
    assert connection.workspace["id"].startswith("E")
    assert page.heading == f"{connection.workspace['name']} is connected"


@pytest.mark.parametrize(
    ("wanted", "outcome", "status"),
    [
        ("E9TK3CUKW", "org_wide", "connected"),
        ("E9TK3CUKW", "approved", "failed"),
        ("T9TK3CUKW", "approved", "connected"),
        ("T9TK3CUKW", "org_wide", "failed"),
    ],
)
def test_a_link_for_an_organisation_is_for_all_of_it_and_one_for_a_workspace_for_that_alone(
    person: Person, mint: MintLink, novu: LocalNovu, ledger_db: Database, wanted: str, outcome: str, status: str
) -> None:
    person.install(mint(workspaceId=wanted), outcome=outcome)
    [attempt] = ledger_db.execute("SELECT status, reason FROM attempt").fetchall()
    assert (attempt["status"], attempt["reason"]) == (status, None if status == "connected" else "wrong_workspace")
    assert len(novu.state.connections) == (status == "connected")


def test_the_rotation_of_a_token_reaches_novu(person: Person, link: str, novu: LocalNovu) -> None:
    person.install(link, outcome="rotation")
    [connection] = novu.state.connections
    assert connection.auth["accessToken"].startswith("xoxe.xoxb-")
    assert connection.auth["refreshToken"].startswith("xoxe-1-")
    assert connection.auth["expiresAt"].endswith("Z")


def test_a_workspace_without_a_name_goes_by_its_id(person: Person, link: str) -> None:
    assert person.install(link, outcome="no_workspace_name").heading == "T9TK3CUKW is connected"


@pytest.mark.parametrize("query", ["", "?state=", "?code=c", "?state=&code=c", "?state=short&code=c"])
def test_without_a_state_nothing_is_redeemed(person: Person, slack: LocalSlack, query: str) -> None:
    page = person.open(f"{BACK}{query}")
    assert page.status == 400
    assert page.heading == "Let's start from the right place"
    assert slack.state.redeem_count == 0


@pytest.mark.parametrize(
    "state",
    [
        "x" * 43,
        "x" * 7000,
        "%00" * 43,
        "x" * 42 + "%00",
        "%E2%80%AE" * 43,
        "%ff" * 43,
        "<b>" * 20,
        "x" * 43 + "&state=" + "x" * 43,
    ],
)
def test_a_state_that_is_not_ours_is_refused(person: Person, slack: LocalSlack, state: str) -> None:
    page = person.open(f"{BACK}?state={state}&code=c")
    assert page.status == 400
    assert page.heading == "Let's start from the right place"
    assert slack.state.redeem_count == 0


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "code=",
        "error=",
        "code=&error=",
        "code=a&code=b",
        "error=a&error=b",
        "code=a&error=b&error=c",
        "code=" + "x" * 3000,
        "code=%00",
        "code=%C3%BC",
        "code=a%20b",
    ],
)
def test_an_incomplete_return_leaves_the_attempt_as_it_was(person: Person, link: str, rest: str) -> None:
    path = person.come_back(link)
    page = person.open(f"{BACK}?state={state_of(path)}&{rest}")
    assert page.status == 400
    assert page.heading == "Let's start from the right place"
    assert person.follow(person.open(path)).heading == "Acme HQ is connected"


def test_an_error_beats_a_code(person: Person, link: str, slack: LocalSlack) -> None:
    path = person.come_back(link)
    assert (
        person.follow(person.open(f"{path}&error=access_denied")).heading
        == "Your Slack admin has to approve this first"
    )
    assert slack.state.redeem_count == 0


@pytest.mark.parametrize("error", ["%3Cscript%3Ealert(1)%3C/script%3E", "x" * 7000, "%00", "%E2%80%AE"])
def test_an_error_of_any_shape_is_never_repeated(person: Person, link: str, error: str, ledger_db: Database) -> None:
    state = state_of(person.add_to_slack(link))
    page = person.follow(person.open(f"{BACK}?state={state}&error={error}&error_description=%3Cscript%3E"))
    assert page.heading == "Slack stopped before the end"
    assert "script" not in page.source
    assert len(str(ledger_db.execute("SELECT * FROM attempt").fetchall())) < 3000


def test_after_ten_minutes_it_is_too_late_and_the_link_still_good(
    person: Person, link: str, slack: LocalSlack, ledger_db: Database
) -> None:
    path = person.come_back(link)
    pass_time(ledger_db, timedelta(minutes=10, seconds=1))
    page = person.open(path)
    assert page.status == 410
    assert page.heading == "This took too long"
    assert slack.state.redeem_count == 0
    assert person.install(page.link("Start again")).heading == "Acme HQ is connected"


def test_within_ten_minutes_it_is_not(person: Person, link: str, ledger_db: Database) -> None:
    path = person.come_back(link)
    pass_time(ledger_db, timedelta(minutes=9, seconds=50))
    assert person.follow(person.open(path)).heading == "Acme HQ is connected"


def test_a_state_that_redis_has_forgotten_asks_to_start_again(
    person: Person, link: str, slack: LocalSlack, store: redis.Redis
) -> None:
    path = person.come_back(link)
    store.flushall()
    page = person.open(path)
    assert page.status == 410
    assert slack.state.redeem_count == 0
    assert person.install(page.link("Start again")).heading == "Acme HQ is connected"


def test_after_the_outcome_redis_is_not_needed_any_more(
    person: Person, link: str, slack: LocalSlack, store: redis.Redis
) -> None:
    path = person.come_back(link)
    first = person.open(path)
    store.flushall()
    assert person.open(path).location == first.location
    assert person.follow(first).heading == "Acme HQ is connected"
    assert slack.state.redeem_count == 1


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_only_a_visit_completes(person: Person, link: str, slack: LocalSlack, method: str) -> None:
    path = person.come_back(link)
    assert person.open(path, method).status in {200, 400, 405}
    assert slack.state.redeem_count == 0
    assert person.follow(person.open(path)).heading == "Acme HQ is connected"


def test_a_prefetching_browser_spends_nothing(person: Person, link: str, slack: LocalSlack) -> None:
    path = person.come_back(link)
    assert person.open(path, headers={"Sec-Purpose": "prefetch;prerender"}).status == 405
    assert slack.state.redeem_count == 0
    assert person.follow(person.open(path)).heading == "Acme HQ is connected"


@pytest.mark.parametrize(
    ("workspace", "shown"),
    [("T0VMBRE11A", "Umbrella <b>&</b> Sons"), ("T0RT1EM0J1", "oлleH Studio \N{ROCKET}\N{FAMILY}")],
)
def test_odd_workspace_names_are_shown_as_text(person: Person, link: str, workspace: str, shown: str) -> None:
    page = person.install(link, workspace=workspace)
    assert page.heading == f"{shown} is connected"
    assert "\u202e" not in page.source


def test_without_a_store_the_return_says_so_and_burns_nothing(
    make_app: Callable[..., Flask], person: Person, slack: LocalSlack, link: str
) -> None:
    path = person.come_back(link)
    person.move_to(make_app(REDIS_URL="unix:///nowhere/redis.sock"))
    assert person.open(path).status == 503
    person.move_to(make_app(DATABASE_URL="postgresql://nobody@/none?host=/nowhere"))
    assert person.open(path).status == 503
    person.move_to(make_app())
    assert slack.state.redeem_count == 0
    assert person.follow(person.open(path)).heading == "Acme HQ is connected"


def test_slack_is_told_the_same_redirect_uri_twice(person: Person, link: str, slack: LocalSlack) -> None:
    path = path_of(slack.answer(person.add_to_slack(link)))
    assert path.startswith(f"{BACK}?")
    assert person.follow(person.open(path)).heading == "Acme HQ is connected"


def another_approval(person: Person, slack: LocalSlack, back: str, link: str) -> str:
    """The same state, with a code that Slack gave for another workspace."""
    code = parse_qs(urlsplit(person.come_back(link, workspace="T0MOONSHOT")).query)["code"][0]
    state = parse_qs(urlsplit(back).query)["state"][0]
    return f"/slack/oauth_redirect?{urlencode({'code': code, 'state': state})}"


def test_a_second_approval_in_an_attempt_that_is_over_is_said_not_to_count(
    person: Person, slack: LocalSlack, link: str, novu: LocalNovu
) -> None:
    back = person.come_back(link)
    first = person.open(back)
    second = person.open(another_approval(person, slack, back, link))
    assert (second.status, second.location) == (303, first.location)
    page = person.follow(second)
    assert page.heading == "Acme HQ is connected"
    assert "The approval that you have just given in Slack was not used" in page.text
    assert slack.state.redeem_count == 1
    assert "was not used" not in person.open(first.location).text


def test_who_cancelled_first_and_then_allowed_is_not_told_only_that_they_cancelled(
    person: Person, slack: LocalSlack, link: str
) -> None:
    back = person.come_back(link, decision="cancel")
    person.open(back)
    page = person.follow(person.open(another_approval(person, slack, back, link)))
    assert page.heading == "Nothing was connected"
    assert "The approval that you have just given in Slack was not used" in page.text


def test_the_same_approval_again_needs_no_words(person: Person, link: str) -> None:
    back = person.come_back(link)
    person.open(back)
    assert "was not used" not in person.follow(person.open(back)).text
