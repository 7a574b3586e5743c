"""One attempt, as a host sees it at each stage of its story."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import redis
import time_machine

from onboarding.clock import utc_now
from onboarding.model import Owner
from onboarding.wiring import Wiring
from tests.api.host import Host, path_of
from tests.person import Person
from tests.stand_ins import LocalNovu
from tests.test_delivery import attempt_id_of

ACME_HQ = {"id": "T9TK3CUKW", "name": "Acme HQ"}
UNKNOWN = "a" * 22


def only(host: Host) -> dict[str, Any]:
    """The only attempt there is: the list and the call for one agree about it."""
    [listed] = host.get("/v1/attempts").body["data"]
    alone = host.get(f"/v1/attempts/{listed['id']}")
    assert alone.status == 200
    assert alone.body == listed
    names = {"id", "linkId", "subscriberId", "startedAt", "status", "workspace", "reason", "connection", "timeline"}
    assert set(listed) == names
    assert listed["startedAt"] == listed["timeline"][0]["at"]
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


def test_failed(host: Host, person: Person, novu: LocalNovu) -> None:
    novu.suffer("unauthorized")
    person.install(path_of(host.link()))
    found = only(host)
    assert (found["status"], found["reason"]) == ("failed", "novu_unauthorized")
    assert (found["workspace"], found["connection"]) == (ACME_HQ, None)


def test_expired(host: Host, person: Person) -> None:
    person.add_to_slack(path_of(host.link()))
    with time_machine.travel(utc_now() + timedelta(minutes=11)):
        found = only(host)
    assert (found["status"], found["reason"]) == ("expired", "timed_out")


@pytest.mark.parametrize("attempt_id", [UNKNOWN, "x", "a" * 23, "a" * 21 + "*", "a" * 21 + "%0A", "a%2F..%2Fb", "%00"])
def test_what_is_not_there_is_not_found(host: Host, attempt_id: str) -> None:
    assert host.get(f"/v1/attempts/{attempt_id}").status == 404


def test_an_id_that_cannot_be_asks_nobody(host: Host, wiring: Wiring, store: redis.Redis) -> None:
    store.set("onboarding:attempt:x", "not a hash")
    assert host.get("/v1/attempts/x").status == 404


def test_support_codes_are_attempt_ids(host: Host, person: Person) -> None:
    page = person.open(person.come_back(path_of(host.link())))
    assert host.get(f"/v1/attempts/{attempt_id_of(page.location)}").status == 200
