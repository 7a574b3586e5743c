"""One attempt, as a host sees it at each stage of its story."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from onboarding.clock import utc_now
from onboarding.model import Owner
from onboarding.wiring import Wiring
from tests.aging import Database, pass_time
from tests.api.host import KEYS, NO_DATABASE, Host, path_of
from tests.conftest import MintLink
from tests.fakes import LocalNovu
from tests.person import Person
from tests.test_delivery import attempt_id_of
from tests.witness import Witness

ACME_HQ = {"id": "T9TK3CUKW", "name": "Acme HQ"}
UNKNOWN = "a" * 22


def only(host: Host) -> dict[str, Any]:
    """The only attempt there is: the list and the call for one agree about it."""
    [listed] = host.get("/v1/attempts").body["data"]
    alone = host.get(f"/v1/attempts/{listed['id']}")
    assert alone.status == 200
    assert alone.body == listed
    names = {"id", "linkId", "subscriberId", "startedAt", "status", "workspace", "reason", "destination"}
    assert set(listed) == names | {"connection", "timeline"}
    assert len(listed["linkId"]) == 22
    assert all(set(event) == {"at", "event", "detail"} for event in listed["timeline"])
    found: dict[str, Any] = listed
    return found


def events(attempt: dict[str, Any]) -> list[str]:
    return [event["event"] for event in attempt["timeline"]]


def test_started(host: Host, person: Person) -> None:
    person.add_to_slack(path_of(host.link()))
    found = only(host)
    assert found["status"] == "pending"
    assert found["workspace"] is found["reason"] is found["connection"] is None
    assert events(found) == ["started"]
    assert found["startedAt"] == found["timeline"][0]["at"]
    assert abs(datetime.fromisoformat(found["timeline"][0]["at"]) - utc_now()) < timedelta(seconds=10)


def test_granted(host: Host, person: Person, novu: LocalNovu) -> None:
    novu.suffer("down")
    person.install(path_of(host.link()))
    found = only(host)
    assert (found["status"], found["workspace"], found["connection"]) == ("pending", ACME_HQ, None)
    assert events(found) == ["started", "returned", "granted", "delivery_postponed"]


def test_connected(host: Host, person: Person, novu: LocalNovu) -> None:
    person.install(path_of(host.link(context={"tenant": "org-1", "area": "eu"})))
    found = only(host)
    [connection] = novu.state.connections
    assert (found["status"], found["workspace"], found["reason"]) == ("connected", ACME_HQ, None)
    assert found["connection"] == {
        "identifier": Owner("slack-prod", "subscriber-123", ("area:eu", "tenant:org-1")).identifier,
        "integrationIdentifier": "slack-prod",
        "subscriberId": "subscriber-123",
        "contextKeys": ["area:eu", "tenant:org-1"],
    }
    assert connection.identifier == found["connection"]["identifier"]
    assert events(found)[-1] == "connected"


def test_connected_for_everybody(host: Host, person: Person) -> None:
    person.install(path_of(host.link(connectionMode="shared", context={"tenant": "org-1"})))
    connection = only(host)["connection"]
    assert connection["subscriberId"] is None
    assert connection["contextKeys"] == ["tenant:org-1"]


def test_cancelled(host: Host, person: Person) -> None:
    person.install(path_of(host.link()), decision="cancel")
    found = only(host)
    assert (found["status"], found["reason"]) == ("cancelled", "denied_by_person")


def test_awaiting_approval(host: Host, person: Person) -> None:
    person.install(path_of(host.link()), outcome="not_permitted")
    found = only(host)
    assert (found["status"], found["reason"]) == ("awaiting_approval", "not_permitted")
    assert found["workspace"] is found["connection"] is None
    assert events(found) == ["started", "returned", "awaiting_approval"]


def test_an_approval_that_was_given_is_connected_with_whoever_finished(
    host: Host, person: Person, mint: MintLink, novu: LocalNovu
) -> None:
    waiting = attempt_id_of(person.open(person.come_back(path_of(host.link()), outcome="not_permitted")).location)
    person.install(mint())
    found = host.get(f"/v1/attempts/{waiting}").body
    [connection] = novu.state.connections
    assert (found["status"], found["reason"], found["workspace"]) == ("connected", None, ACME_HQ)
    assert found["connection"]["identifier"] == connection.identifier
    assert events(found)[-1] == "connected"


def test_an_approval_that_was_not_given_expires_with_its_link(host: Host, person: Person, ledger_db: Database) -> None:
    person.install(path_of(host.link(expiresIn=3600)), outcome="not_permitted")
    pass_time(ledger_db, timedelta(minutes=59))
    assert only(host)["status"] == "awaiting_approval"
    pass_time(ledger_db, timedelta(minutes=2))
    found = only(host)
    assert (found["status"], found["reason"]) == ("expired", "approval_not_given")
    assert events(found)[-1] == "expired"


def test_slack_refused(host: Host, person: Person) -> None:
    person.install(path_of(host.link()), outcome="unexpected_error")
    found = only(host)
    assert (found["status"], found["reason"]) == ("failed", "slack_refused")


def test_replaced_by_another_workspace(host: Host, person: Person) -> None:
    older = attempt_id_of(person.open(person.come_back(path_of(host.link()))).location)
    person.install(path_of(host.link()))
    assert host.get(f"/v1/attempts/{older}").body["reason"] is None
    person.install(path_of(host.link()), workspace="T0VMBRE11A")
    found = host.get(f"/v1/attempts/{older}").body
    assert (found["status"], found["reason"], found["workspace"]) == ("connected", "replaced", ACME_HQ)
    assert events(found)[-1] == "replaced"


def test_disconnected(host: Host, person: Person, wiring: Wiring, novu: LocalNovu) -> None:
    person.install(path_of(host.link()))
    wiring.upkeep.disconnect(novu.state.connections[0].identifier, revokes=False)
    found = only(host)
    assert (found["status"], found["reason"], found["workspace"]) == ("connected", "disconnected", ACME_HQ)
    assert events(found)[-1] == "disconnected"


def test_failed(host: Host, person: Person, novu: LocalNovu) -> None:
    novu.suffer("unauthorized")
    person.install(path_of(host.link()))
    found = only(host)
    assert (found["status"], found["reason"]) == ("failed", "novu_unauthorized")
    assert (found["workspace"], found["connection"]) == (ACME_HQ, None)


def test_expired(host: Host, person: Person, ledger_db: Database) -> None:
    person.add_to_slack(path_of(host.link()))
    pass_time(ledger_db, timedelta(minutes=9, seconds=50))
    assert only(host)["status"] == "pending"
    pass_time(ledger_db, timedelta(seconds=11))
    found = only(host)
    assert (found["status"], found["reason"]) == ("expired", "timed_out")


@pytest.mark.parametrize("attempt_id", [UNKNOWN, "x", "a" * 23, "a" * 21 + "*", "a" * 21 + "%0A", "a%2F..%2Fb", "%00"])
def test_what_is_not_there_is_not_found(host: Host, attempt_id: str) -> None:
    assert host.get(f"/v1/attempts/{attempt_id}").status == 404


def test_an_id_that_cannot_be_asks_nobody(make_app: Callable[..., Flask], witness: Witness) -> None:
    host = Host(make_app(API_KEYS=KEYS, DATABASE_URL=NO_DATABASE), witness)
    assert host.get(f"/v1/attempts/{UNKNOWN}").status == 503
    assert host.get("/v1/attempts/x").status == 404


def test_support_codes_are_attempt_ids(host: Host, person: Person) -> None:
    page = person.open(person.come_back(path_of(host.link())))
    assert host.get(f"/v1/attempts/{attempt_id_of(page.location)}").status == 200
