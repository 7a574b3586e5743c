"""What Novu holds, seen and changed from the status page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests
from flask import Flask

from onboarding.ledger.endings import Endings
from onboarding.model.errors import StoreUnavailable
from onboarding.wiring import Wiring
from tests.admin.operator import CONNECTIONS, PASSWORD, Operator
from tests.admin.test_attempts import rows
from tests.aging import Database, make_due
from tests.conftest import MintLink
from tests.fakes import NOVU_KEY, LocalNovu, LocalSlack
from tests.person import Person
from tests.test_delivery import attempt_id_of, sealed


def test_the_list_is_novus_own(operator: Operator, place: str) -> None:
    page = operator.open(CONNECTIONS)
    [row] = rows(page)
    assert "Acme HQ" in row
    assert "subscriber-123" in row
    assert operator.open(page.link("Acme HQ")).heading == "Acme HQ"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("subscriber=subscriber-123", 2),
        ("subscriber=nobody", 0),
        ("integration=slack-prod", 2),
        ("integration=other", 0),
        ("context=tenant:org-1", 1),
        ("context=tenant:org-2", 0),
        ("subscriber=%20subscriber-123%0A", 2),
        ("integration=slack-prod%09", 2),
        ("context=%20tenant:org-1%20", 1),
        ("subscriber=%00&context=%2C%2C&after=garbage", None),
    ],
)
def test_filters_are_novus_own(
    operator: Operator, person: Person, mint: MintLink, query: str, found: int | None
) -> None:
    person.install(mint())
    person.install(mint(context={"tenant": "org-1"}))
    page = operator.open(f"{CONNECTIONS}?{query}")
    assert page.status == 200
    assert found is None or len(rows(page)) == found


def test_pages_follow_novus_cursors(operator: Operator, person: Person, mint: MintLink) -> None:
    for number in range(22):
        person.install(mint(context={"tenant": f"org-{number}"}))
    first = operator.open(CONNECTIONS)
    assert len(rows(first)) == 20
    second = operator.open(first.link("Older"))
    assert len(rows(second)) == 2
    assert len(rows(operator.open(second.link("Newer")))) == 20


def test_renaming_keeps_the_token(operator: Operator, place: str, novu: LocalNovu) -> None:
    token = novu.state.connections[0].token
    page = operator.do(place, place, action="rename", name="Acme, renamed")
    assert page.heading == "Acme, renamed"
    assert "Renamed to Acme, renamed." in page.text
    assert novu.state.connections[0].token == token


def test_a_name_needs_a_character(operator: Operator, place: str) -> None:
    assert "A name needs at least one character." in operator.do(place, place, action="rename", name="\u200b \n").text


def test_verifying_says_what_novu_says(operator: Operator, place: str, novu: LocalNovu) -> None:
    page = operator.do(place, place, action="verify")
    assert "Novu: the connection is there" in page.text
    assert "Slack: the token works." in page.text
    field = operator.csrf_field(place)
    novu.suffer("down")
    page = operator.open(place, "POST", data={"csrf_token": field, "action": "verify"})
    novu.suffer("none")
    assert "Novu: it cannot use this connection (no answer: " in operator.follow(page).text


def test_disconnecting_revokes_and_deletes(
    operator: Operator, person: Person, link: str, place: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    token = novu.state.connections[0].token
    page = operator.do(place, place, action="disconnect", revoke="on")
    assert "Slack: the token was revoked. Novu: the connection was deleted." in page.text
    assert novu.state.connections == ()
    assert _is_revoked(slack, token)
    assert person.open(link).heading == "Connect Acme Inc. to Slack"


def test_a_dead_token_is_found_out(operator: Operator, place: str, slack: LocalSlack, novu: LocalNovu) -> None:
    headers = {"Authorization": f"Bearer {novu.state.connections[0].token}"}
    requests.post(f"{slack.url}/api/auth.revoke", headers=headers, timeout=5)
    page = operator.do(place, place, action="verify")
    assert "Slack: the token no longer works. The customer has to connect again." in page.text


def test_what_was_disconnected_says_so_everywhere(
    operator: Operator, person: Person, mint: MintLink, novu: LocalNovu
) -> None:
    outcome = person.open(person.come_back(mint())).location
    place = f"/admin/connections/{novu.state.connections[0].identifier}"
    operator.do(place, place, action="disconnect", revoke="on")
    page = operator.open(f"/admin{outcome}")
    assert "Acme Inc. was connected to Acme HQ, and was disconnected again." in page.text
    assert "The connection was ended" in page.text
    assert person.open(outcome).heading == "Acme HQ is no longer connected"
    gone = operator.open(place)
    assert (gone.status, gone.heading) == (200, "Acme HQ")
    assert "– Ended It was disconnected on purpose" in gone.text


def test_an_approval_given_before_does_not_bring_a_connection_back(
    operator: Operator, person: Person, mint: MintLink, novu: LocalNovu, wiring: Wiring, ledger_db: Database
) -> None:
    person.install(mint())
    place = f"/admin/connections/{novu.state.connections[0].identifier}"
    novu.suffer("down")
    before = attempt_id_of(person.open(person.come_back(mint())).location)
    novu.suffer("none")
    operator.do(place, place, action="disconnect", revoke="on")
    make_due(ledger_db)
    wiring.delivery.deliver(before)
    assert novu.state.connections == ()
    assert person.install(mint()).heading == "Acme HQ is connected"
    assert len(novu.state.connections) == 1


def test_while_a_delivery_is_under_way_nothing_is_disconnected(
    operator: Operator, place: str, novu: LocalNovu, wiring: Wiring, ledger_db: Database
) -> None:
    owner = novu.state.connections[0].identifier
    ledger_db.execute("UPDATE owner SET lease = 'x', leased_until = now() + interval '16 s'")
    page = operator.do(place, place, action="disconnect", revoke="on")
    assert "Slack: not asked yet. Novu: not deleted yet, because something else for this customer is" in page.text
    assert "A worker goes on right after it." in page.text
    assert [each.identifier for each in novu.state.connections] == [owner]
    wiring.ledger.connections.release(owner, "x")
    assert wiring.upkeep.finish(owner) == ""
    assert novu.state.connections == ()


def test_while_novu_is_down_a_worker_is_said_to_go_on(
    operator: Operator, place: str, novu: LocalNovu, wiring: Wiring
) -> None:
    field = operator.csrf_field(place)
    novu.suffer("down")
    page = operator.open(place, "POST", data={"csrf_token": field, "action": "disconnect"})
    novu.suffer("none")
    page = operator.follow(page)
    assert "Slack: not asked, the token was left alone. Novu: not deleted yet (no answer: " in page.text
    assert "A worker goes on until it is." in page.text
    assert 'class="notice wait"' in page.source
    assert wiring.upkeep.finish(novu.state.connections[0].identifier) == ""
    assert novu.state.connections == ()


def test_what_slack_refuses_for_good_is_left_to_the_operator(
    operator: Operator, place: str, slack: LocalSlack, novu: LocalNovu, ledger_db: Database
) -> None:
    slack.state.faults.set("auth.revoke", "error", error="not_allowed_token_type")
    page = operator.do(place, place, action="disconnect", revoke="on")
    slack.state.faults.clear()
    assert "Slack: the token was not revoked (not_allowed_token_type)." in page.text
    assert "Novu: the connection was kept. Fix what Slack names, then disconnect again." in page.text
    assert len(novu.state.connections) == 1
    assert ledger_db.execute("SELECT FROM ending").fetchall() == []


def test_an_end_that_postgresql_did_not_note_is_put_right_by_a_worker(
    operator: Operator,
    place: str,
    novu: LocalNovu,
    wiring: Wiring,
    ledger_db: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("PostgreSQL", "away")

    owner = novu.state.connections[0].identifier
    with monkeypatch.context() as patch:
        patch.setattr(Endings, "end", away)
        page = operator.do(place, place, action="disconnect", revoke="on")
    assert "Novu: the connection was deleted. PostgreSQL did not answer in the end: pages here may be" in page.text
    ledger_db.execute("UPDATE owner SET lease = NULL, leased_until = NULL")
    assert wiring.upkeep.finish(owner) == ""
    found = wiring.ledger.connections.find(owner)
    assert found
    assert found.is_ended


def test_disconnecting_can_leave_slack_alone(
    operator: Operator, place: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    token = novu.state.connections[0].token
    page = operator.do(place, place, action="disconnect")
    assert "Slack: not asked, the token was left alone. Novu: the connection was deleted." in page.text
    assert not _is_revoked(slack, token)


def test_a_token_that_is_gone_is_no_obstacle(
    operator: Operator, place: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    token = novu.state.connections[0].token
    headers = {"Authorization": f"Bearer {token}"}
    requests.post(f"{slack.url}/api/auth.revoke", headers=headers, timeout=5)
    page = operator.do(place, place, action="disconnect", revoke="on")
    assert "Slack: the token no longer worked. Novu: the connection was deleted." in page.text


def test_whatever_was_approved_before_a_disconnect_says_so(
    operator: Operator, person: Person, mint: MintLink, novu: LocalNovu, wiring: Wiring, ledger_db: Database
) -> None:
    first = person.open(person.come_back(mint())).location
    second = person.open(person.come_back(mint())).location
    place = f"/admin/connections/{novu.state.connections[0].identifier}"
    novu.suffer("unauthorized")
    waiting = person.open(person.come_back(mint())).location
    novu.suffer("down")
    pending = person.open(person.come_back(mint())).location
    novu.suffer("none")
    operator.do(place, place, action="disconnect")
    make_due(ledger_db)
    wiring.delivery.deliver(pending.rsplit("/", 1)[1])
    for outcome in (first, second):
        assert person.open(outcome).heading == "Acme HQ is no longer connected"
        assert "Disconnected" in operator.open(f"/admin{outcome}").text
    for outcome in (waiting, pending):
        assert person.open(outcome).heading == "Acme Inc. was disconnected after this"
        page = operator.open(f"/admin{outcome}")
        assert "was disconnected after this approval" in page.text
        assert "Retry" not in page.text.replace("pressed Retry", "")
    assert sealed(ledger_db) == []
    assert operator.open("/admin/attempts?status=waiting").text.count("No matching attempts.") == 1
    assert novu.state.connections == ()


def test_a_connection_under_a_name_of_its_own_is_forgotten_too(
    operator: Operator, person: Person, mint: MintLink, novu: LocalNovu
) -> None:
    link = mint(identifier="mine")
    person.install(link)
    field = operator.csrf_field(f"{CONNECTIONS}/mine")
    novu.state.reset()
    data = {"csrf_token": field, "action": "disconnect"}
    operator.follow(operator.open(f"{CONNECTIONS}/mine", "POST", data=data))
    assert person.open(link).heading == "Connect Acme Inc. to Slack"


def test_a_connection_that_is_gone_is_no_obstacle(operator: Operator, place: str, novu: LocalNovu) -> None:
    field = operator.csrf_field(place)
    novu.state.reset()
    data = {"csrf_token": field, "action": "disconnect", "revoke": "on"}
    page = operator.follow(operator.open(place, "POST", data=data))
    assert "Novu: there was no such connection any more." in page.text


def test_while_slack_is_down_novu_keeps_the_token(
    operator: Operator, make_app: Callable[..., Flask], place: str, novu: LocalNovu
) -> None:
    operator.move_to(make_app(ADMIN_PASSWORD=PASSWORD, SLACK_URL="http://127.0.0.1:1"))
    page = operator.do(place, place, action="disconnect", revoke="on")
    assert "Slack: the token was not revoked yet (no_connection)." in page.text
    assert "Novu: the connection is kept until the token is revoked. A worker goes on until it is." in page.text
    assert len(novu.state.connections) == 1


def test_others_in_the_same_workspace_are_named_before_they_stop(
    operator: Operator, person: Person, mint: MintLink, place: str
) -> None:
    assert "nobody else uses this workspace" in operator.open(place).text
    person.install(mint(account="Globex", context={"tenant": "org-1"}))
    assert "would stop too: subscriber-123, tenant:org-1." in operator.open(place).text


def test_when_novu_is_down_the_page_says_so(operator: Operator, place: str, novu: LocalNovu) -> None:
    novu.suffer("down")
    for path in (CONNECTIONS, place):
        page = operator.open(path)
        assert page.status == 200
        assert "Novu does not answer (" in page.text
    novu.suffer("none")


def test_an_unknown_connection_is_not_found(operator: Operator) -> None:
    for identifier in ("nothing", "a/b", "%2e%2e%2fx", "é", "x" * 3000):
        assert operator.open(f"{CONNECTIONS}/{identifier}").status == 404


@pytest.mark.parametrize("action", ["rename", "verify", "disconnect"])
@pytest.mark.parametrize("identifier", ["%00", "mine%00", "%ED%A0%80", "a%2Fb", "x" * 3000])
def test_what_cannot_be_a_connection_is_not_changed(
    operator: Operator, place: str, novu: LocalNovu, action: str, identifier: str
) -> None:
    before = novu.state.connections
    data = {"csrf_token": operator.csrf_field(place), "action": action, "name": "New\0", "revoke": "on"}
    page = operator.open(f"{CONNECTIONS}/{identifier}", "POST", data=data)
    assert page.status in {303, 404}
    assert operator.open("/admin/audit").status == 200
    assert novu.state.connections == before


def test_a_connection_made_elsewhere_is_shown_whatever_it_holds(operator: Operator, novu: LocalNovu) -> None:
    odd = {"id": "T\0", "name": "Odd \0\u202e<b>"}
    body = {
        "identifier": "odd",
        "subscriberId": "subscriber-123",
        "integrationIdentifier": "slack-prod",
        "workspace": odd,
        "auth": {"accessToken": "xoxb-odd"},
    }
    headers = {"Authorization": f"ApiKey {NOVU_KEY}"}
    requests.post(f"{novu.url}/v1/channel-connections", json=body, headers=headers, timeout=5).raise_for_status()
    for path in (CONNECTIONS, f"{CONNECTIONS}/odd"):
        page = operator.open(path)
        assert page.status == 200
        assert "<b>" not in page.source
    for action in ("verify", "disconnect"):
        assert operator.do(f"{CONNECTIONS}/odd", f"{CONNECTIONS}/odd", action=action).status == 200
    assert novu.state.connections == ()


def test_an_unknown_change_is_refused(operator: Operator, place: str) -> None:
    assert operator.submit(place, place, action="explode").status == 400


def _is_revoked(slack: LocalSlack, token: str) -> bool:
    headers = {"Authorization": f"Bearer {token}"}
    answer = requests.post(f"{slack.url}/api/auth.test", headers=headers, timeout=5)
    return bool(answer.json()["ok"] is False)
