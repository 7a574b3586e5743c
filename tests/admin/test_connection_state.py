"""Operators see whether a connection works, why not, and what to do about it, also when Novu no longer has it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import requests
from flask import Flask

from onboarding.model.destinations import ConnectionState
from onboarding.sandbox.novu import Options, create_novu
from onboarding.sandbox.serve import serving
from onboarding.web.admin import connection_words
from onboarding.wiring import Wiring
from tests.admin.operator import CONNECTIONS, PASSWORD, Operator
from tests.admin.test_attempts import rows
from tests.aging import Database
from tests.conftest import MintLink
from tests.fakes import NOVU_KEY, LocalNovu, LocalSlack
from tests.person import Page, Person
from tests.test_delivery import attempt_id_of
from tests.witness import Witness


def check(operator: Operator, place: str) -> Page:
    return operator.do(place, place, action="check")


def break_it(operator: Operator, place: str, slack: LocalSlack, word: str = "token_revoked") -> Page:
    slack.state.faults.set("auth.test", "error", 1, error=word)
    return check(operator, place)


def lose_it(novu: LocalNovu) -> None:
    """Somebody deletes it at Novu."""
    headers = {"Authorization": f"ApiKey {NOVU_KEY}"}
    url = f"{novu.url}/v1/channel-connections/{novu.state.connections[0].identifier}"
    requests.delete(url, headers=headers, timeout=5).raise_for_status()


def test_a_new_connection_works_and_has_not_been_checked(operator: Operator, place: str) -> None:
    page = operator.open(place)
    assert "✓ Works" in page.text
    assert "Last checked Not yet" in page.text
    assert operator.open(page.link("Its attempt")).heading == "Acme Inc."


def test_checking_says_that_it_works_and_when(operator: Operator, place: str, ledger_db: Database) -> None:
    page = check(operator, place)
    assert "Checked: it works." in page.text
    assert "Last checked Not yet" not in page.text
    [entry] = ledger_db.execute("SELECT target, outcome FROM audit WHERE action = 'connection_checked'").fetchall()
    assert place.endswith(entry["target"])
    assert entry["outcome"] == "Checked: it works."
    assert "Checked a connection" in operator.open("/admin/audit").text


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("token_revoked", "The app's access was revoked in Slack"),
        ("account_inactive", "The app was removed from the workspace, or its account was switched off"),
        ("invalid_auth", "Slack no longer accepts the token"),
    ],
)
def test_a_broken_connection_says_why_in_plain_words(
    operator: Operator, place: str, slack: LocalSlack, word: str, told: str
) -> None:
    page = break_it(operator, place, slack, word)
    assert f"Checked: it is broken. {told}." in page.text
    assert f"! Broken {told}" in operator.open(place).text


def test_a_token_that_has_expired_for_good_says_so(operator: Operator, place: str, slack: LocalSlack) -> None:
    slack.state.faults.set("auth.test", "error", 2, error="token_expired")
    assert "! Broken The token has expired, and Novu could not refresh it" in check(operator, place).text


def test_every_state_and_reason_has_words(operator: Operator, place: str, ledger_db: Database) -> None:
    for state, reason in (
        *(("broken", word) for word in ("token_revoked", "token_expired", "app_uninstalled")),
        ("unknown", "token_hidden"),
        *(("ended", word) for word in ("disconnected", "deleted_at_novu")),
    ):
        ledger_db.execute("UPDATE connection SET state = %s, reason = %s", [state, reason])
        _, sign, word = connection_words.MARKS[ConnectionState(state)]
        why = connection_words.REASONS[reason]
        assert f"{sign} {word} {why.told}" in operator.open(place).text
        assert f"{sign} {word} {why.short}" in operator.open(f"{CONNECTIONS}?state={state}").text


def test_a_word_of_slacks_that_nobody_knows_is_shown_as_it_is(
    operator: Operator, place: str, ledger_db: Database
) -> None:
    ledger_db.execute("UPDATE connection SET state = 'broken', reason = 'new_word'")
    assert "! Broken Slack says new_word" in operator.open(place).text
    ledger_db.execute("UPDATE connection SET reason = NULL")
    assert "! Broken No reason is known" in operator.open(place).text


def test_scopes_that_the_token_lacks_are_named(operator: Operator, place: str, ledger_db: Database) -> None:
    assert "Lacks" not in operator.open(place).text
    ledger_db.execute("UPDATE connection SET missing_scopes = '{chat:write.public,groups:read}'")
    assert "Lacks chat:write.public, groups:read This service asks for these" in operator.open(place).text


def test_without_the_token_nobody_knows(
    make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness, operator: Operator, mint: MintLink
) -> None:
    with serving(create_novu(NOVU_KEY, options=Options(redact=True))) as url:
        app = make_app(ADMIN_PASSWORD=PASSWORD, NOVU_URL=url)
        Person(app, slack, witness).install(mint())
        operator.move_to(app)
        page = check(operator, operator.open(CONNECTIONS).link("Acme HQ"))
    assert "Checked, but it stays unknown: Novu hides the token, so Slack cannot be asked." in page.text
    assert "? Unknown" in page.text


def test_whoever_does_not_answer_is_named_and_nothing_changes(
    operator: Operator, place: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    field = operator.csrf_field(place)
    novu.suffer("down")
    page = operator.open(place, "POST", data={"csrf_token": field, "action": "check"})
    novu.suffer("none")
    assert "Nothing was changed: Novu gave no clear answer (" in operator.follow(page).text
    slack.state.faults.set("auth.test", "rate_limited", 1, retry_after=90)
    page = check(operator, place)
    assert re.search(r"Nothing was changed: Slack gave no clear answer \(rate_?limited\)", page.text)
    assert "Check again in 90 seconds." in page.text
    assert "✓ Works" in page.text
    page = check(operator, place)
    assert "Slack gave no clear answer (asked too often a moment ago). Check again in" in page.text


def test_a_check_beside_a_delivery_does_not_claim_to_have_found_anything(
    operator: Operator, place: str, novu: LocalNovu, ledger_db: Database
) -> None:
    lose_it(novu)
    ledger_db.execute("UPDATE owner SET lease = 'x', leased_until = now() + interval '16 s'")
    page = check(operator, place)
    assert "Nothing was changed: the customer is being connected or disconnected at this moment." in page.text
    assert "✓ Works" in page.text


def test_one_that_novu_has_lost_keeps_its_page_and_a_check_ends_it(
    operator: Operator, place: str, novu: LocalNovu
) -> None:
    lose_it(novu)
    page = operator.open(place)
    assert (page.status, page.heading) == (200, "Acme HQ")
    assert "Novu no longer has this connection, so no notification reaches Slack." in page.text
    assert "Rename" not in page.text
    assert "subscriber-123" in page.text
    page = check(operator, place)
    assert "Checked: it has ended. Novu no longer has it: somebody deleted it there." in page.text
    assert "– Ended Novu no longer has it" in page.text
    assert "Check now" not in page.text


def test_while_novu_is_down_the_page_shows_what_is_remembered(
    operator: Operator, place: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    break_it(operator, place, slack)
    novu.suffer("down")
    page = operator.open(place)
    novu.suffer("none")
    assert page.status == 200
    assert "Novu does not answer (" in page.text
    assert "! Broken The app's access was revoked in Slack" in page.text
    assert "Novu no longer has" not in page.text


def test_what_novu_has_under_the_name_of_one_that_ended_is_shown_and_said_to_be_odd(
    operator: Operator, place: str, ledger_db: Database
) -> None:
    ledger_db.execute("UPDATE connection SET state = 'ended', reason = 'disconnected'")
    page = operator.open(place)
    assert "Something else may have created it anew." in page.text
    assert "Rename" in page.text


def test_one_made_elsewhere_is_not_checked(operator: Operator, place: str, ledger_db: Database) -> None:
    ledger_db.execute("DELETE FROM connection")
    page = operator.open(place)
    assert "Something else made this connection, so this service does not check it." in page.text
    assert "Check now" not in page.text
    assert "This service did not make this connection" in check(operator, place).text
    assert "This service did not make this connection" in operator.do(place, place, action="reconnect").text


def test_one_that_has_ended_is_not_checked(operator: Operator, place: str, novu: LocalNovu) -> None:
    lose_it(novu)
    check(operator, place)
    assert "This connection has ended, so there is nothing to check." in check(operator, place).text


def test_a_reconnect_link_is_shown_and_heals(
    operator: Operator, person: Person, place: str, slack: LocalSlack, wiring: Wiring, ledger_db: Database
) -> None:
    break_it(operator, place, slack)
    page = operator.do(place, place, action="reconnect")
    assert page.heading == "Links"
    assert "The reconnect link is ready." in page.text
    found = re.search(r'<textarea id="url"[^>]*>(.*?)</textarea>', page.source)
    assert found
    link = found[1].removeprefix(wiring.settings.public_url)
    assert person.open(link).heading == "Slack disconnected Acme Inc."
    assert person.install(link).heading == "Acme HQ is connected"
    assert "✓ Works" in operator.open(place).text
    [entry] = ledger_db.execute("SELECT outcome FROM audit WHERE action = 'reconnect_link_minted'").fetchall()
    assert re.fullmatch(r"link [A-Za-z0-9_-]{22}", entry["outcome"])


def test_one_that_has_ended_gets_a_reconnect_link_too(
    operator: Operator, place: str, novu: LocalNovu, wiring: Wiring
) -> None:
    lose_it(novu)
    check(operator, place)
    assert "The reconnect link is ready." in operator.do(place, place, action="reconnect").text


def test_the_list_says_how_each_of_them_does(
    operator: Operator, person: Person, mint: MintLink, place: str, slack: LocalSlack
) -> None:
    person.install(mint(context={"tenant": "org-1"}, connectionMode="shared"))
    break_it(operator, place, slack)
    told = set(map(_state_of, rows(operator.open(CONNECTIONS))))
    assert told == {"Works", "Broken"}


def test_the_list_of_those_in_a_state_is_the_ledgers(
    operator: Operator, person: Person, mint: MintLink, place: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    person.install(mint(context={"tenant": "org-1"}))
    break_it(operator, place, slack)
    novu.suffer("down")
    page = operator.open(f"{CONNECTIONS}?state=broken")
    novu.suffer("none")
    [row] = rows(page)
    assert "Access revoked" in row
    assert operator.open(page.link("Acme HQ")).text.count("! Broken") == 1
    assert len(rows(operator.open(f"{CONNECTIONS}?state=working&context=tenant:org-1"))) == 1
    assert rows(operator.open(f"{CONNECTIONS}?state=working&context=tenant:org-2")) == []
    assert rows(operator.open(f"{CONNECTIONS}?state=working&subscriber=%00")) == []
    assert "No matching connections." in operator.open(f"{CONNECTIONS}?state=ended").text


def test_pages_of_a_state_follow_each_other(operator: Operator, ledger_db: Database) -> None:
    ledger_db.execute(
        """
        INSERT INTO connection (owner, identifier, integration, context_keys, workspace_id, workspace_name, attempt_id,
                                connected_at, state, reason, since)
        SELECT 'chconn_' || lpad(n::text, 32, '0'), 'i' || n, 'slack-prod', '{}', 'T1', 'Acme ' || n, 'a', now(),
               'broken', 'token_revoked', now()
        FROM generate_series(1, 30) n
        """
    )
    first = operator.open(f"{CONNECTIONS}?state=broken")
    second = operator.open(first.link("Older"))
    assert (len(rows(first)), len(rows(second))) == (20, 10)
    assert len(rows(operator.open(second.link("Newest")))) == 20


@pytest.mark.parametrize("query", ["state=nonsense", "state=%00", "state=broken&after=nonsense"])
def test_filters_that_make_no_sense_are_refused(operator: Operator, query: str) -> None:
    page = operator.open(f"{CONNECTIONS}?{query}")
    assert page.status == 400
    assert "Some filters make no sense" in page.text


def test_the_overview_counts_what_is_broken_by_reason(
    operator: Operator, person: Person, mint: MintLink, novu: LocalNovu, ledger_db: Database
) -> None:
    assert "broken" not in operator.open("/admin").text
    for tenant in ("a", "b", "c"):
        person.install(mint(context={"tenant": tenant}))
    ledger_db.execute("UPDATE connection SET state = 'broken', reason = 'token_revoked'")
    ledger_db.execute("UPDATE connection SET reason = 'app_uninstalled' WHERE context_keys = '{tenant:a}'")
    page = operator.open("/admin")
    assert "3 connections are broken" in page.text
    assert "The app's access was revoked in Slack 2 The app was removed from the workspace 1" in page.text
    assert len(rows(operator.open(page.link("3 connections are broken")))) == 3
    revoked = rows(operator.open(page.link("The app's access was revoked in Slack")))
    assert ["Access revoked" in row for row in revoked] == [True, True]
    [removed] = rows(operator.open(page.link("The app was removed from the workspace")))
    assert "App removed" in removed


def test_a_reason_can_be_asked_for_without_a_state(operator: Operator, place: str, ledger_db: Database) -> None:
    ledger_db.execute("UPDATE connection SET state = 'broken', reason = 'new_word'")
    [row] = rows(operator.open(f"{CONNECTIONS}?reason=new_word"))
    assert "Slack says new_word" in row
    assert rows(operator.open(f"{CONNECTIONS}?reason=token_revoked")) == []
    assert "No matching connections." in operator.open(f"{CONNECTIONS}?reason=%00").text


def test_the_timeline_tells_that_it_broke_and_recovered(
    operator: Operator, person: Person, link: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    attempt_id = attempt_id_of(person.open(person.come_back(link)).location)
    place = f"{CONNECTIONS}/{novu.state.connections[0].identifier}"
    break_it(operator, place, slack)
    check(operator, place)
    page = operator.open(f"/admin/attempts/{attempt_id}")
    assert "The connection broke The app's access was revoked in Slack" in page.text
    assert "The connection works again" in page.text


def test_checks_and_events_that_are_stuck_lead_somewhere(operator: Operator, place: str, ledger_db: Database) -> None:
    owner = place.rpartition("/")[2]
    [event] = ledger_db.execute("SELECT id FROM event").fetchall()
    ledger_db.execute("DELETE FROM work")
    ledger_db.execute(
        "INSERT INTO work (kind, subject, tries, last_error)"
        " VALUES ('check', %s, 6, 'KeyError'), ('webhook', %s, 5, NULL), ('webhook', 'gone', 4, NULL)",
        [owner, event["id"]],
    )
    page = operator.open("/admin")
    assert "Checking the connection of Acme Inc. started 6 times and never finished: KeyError." in page.text
    assert page.link("Checking the connection of Acme Inc.") == place
    assert page.link("Telling your product of an event") == f"/admin/events/{event['id']}"
    assert "Telling your product of an event started 4 times" in page.text


def _state_of(row: str) -> str:
    found = re.search(r"Works|Broken|Unknown|Ended", row)
    assert found
    return found[0]
