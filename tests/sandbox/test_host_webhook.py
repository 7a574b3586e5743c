"""The local host product's webhook: what it believes, what it makes of it, and how it fails on request."""

from __future__ import annotations

import time

import pytest
import requests

from onboarding.sandbox.host import create_host
from onboarding.sandbox.serve import serving
from tests.sandbox.sprocket import KEY_BYTES, OLD_KEY_BYTES, OLD_SECRET, SECRET, Sprocket, body_of, headers, signature

NOWHERE = "http://127.0.0.1:9"
BODY = body_of("connection.connected", 1)


def made(*secrets: str) -> Sprocket:
    app = create_host(NOWHERE, "a key", *(secrets or (SECRET,)), hang_seconds=0.2)
    return Sprocket(app, app.test_client())


@pytest.fixture
def sprocket() -> Sprocket:
    return made()


def test_the_example_of_the_specification() -> None:
    """The one that the libraries of Standard Webhooks test themselves with."""
    key = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    with_key = made(f"whsec_{key}").host.keys[0]
    signed = signature(with_key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body)
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_signed_event_counts(sprocket: Sprocket) -> None:
    assert sprocket.post(BODY, headers("evt_1", BODY)).status_code == 200
    assert sprocket.state()["status"] == "working"
    assert sprocket.state()["workspace"] == "Acme HQ"


@pytest.mark.parametrize(
    "wrong",
    [
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,ü"},
        {"webhook-signature": "v1a," + headers("evt_1", BODY)["webhook-signature"][3:]},
        {"webhook-signature": headers("evt_1", BODY, b"x" * 32)["webhook-signature"]},
        {"webhook-id": "evt_2"},
        {"webhook-id": ""},
        {"webhook-timestamp": str(int(time.time()) + 100_000)},
        {"webhook-timestamp": "now"},
        {"webhook-timestamp": "-1"},
        headers("evt_1", BODY, age=301),
        headers("evt_1", BODY, age=-100_000),
    ],
)
def test_one_that_is_not_signed_as_it_should_be_does_not(sprocket: Sprocket, wrong: dict[str, str]) -> None:
    sent = {**headers("evt_1", BODY), **wrong}
    assert sprocket.post(BODY, sent).status_code == 400
    assert sprocket.events == []
    assert sprocket.host.refused == 1
    assert sprocket.state()["status"] == "none"


@pytest.mark.parametrize("tampered", [BODY + b" ", BODY.replace(b"Acme", b"Evil"), b""])
def test_the_body_is_taken_as_it_came(sprocket: Sprocket, tampered: bytes) -> None:
    assert sprocket.post(tampered, headers("evt_1", BODY)).status_code == 400


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"type":"ping"}', b'{"type":1,"data":{}}', b"\xff"])
def test_what_is_signed_and_no_event_is_refused(sprocket: Sprocket, body: bytes) -> None:
    assert sprocket.post(body, headers("evt_1", body)).status_code == 400


@pytest.mark.parametrize("age", [0, 295, -295])
def test_clocks_may_differ_by_five_minutes(sprocket: Sprocket, age: int) -> None:
    assert sprocket.post(BODY, headers("evt_1", BODY, age=age)).status_code == 200


def test_secrets_can_be_replaced_on_either_side_first() -> None:
    both, new, old = (KEY_BYTES, OLD_KEY_BYTES), (KEY_BYTES,), (OLD_KEY_BYTES,)
    for secrets, keys, status in [
        ([OLD_SECRET], both, 200),
        ([SECRET], both, 200),
        ([SECRET, OLD_SECRET], old, 200),
        ([SECRET, OLD_SECRET], new, 200),
        ([SECRET], old, 400),
        ([OLD_SECRET], new, 400),
    ]:
        assert made(*secrets).post(BODY, headers("evt_1", BODY, *keys)).status_code == status


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", SECRET.removeprefix("whsec_"), "whsec_?"])
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        made(secret)


def test_a_repeat_changes_nothing(sprocket: Sprocket) -> None:
    assert sprocket.tell("connection.connected", 1, "evt_1") == "applied"
    assert sprocket.tell("connection.broken", 2, reason="token_revoked") == "applied"
    assert sprocket.tell("connection.connected", 1, "evt_1") == "repeated"
    assert sprocket.tell("connection.connected", 3, "evt_1") == "repeated"
    assert sprocket.state()["status"] == "broken"
    assert [(each["id"], each["delivery"], each["again"]) for each in sprocket.events[:2]] == [
        ("evt_1", 3, True),
        ("evt_1", 2, True),
    ]


def test_what_is_older_than_what_is_known_changes_nothing(sprocket: Sprocket) -> None:
    assert sprocket.tell("connection.disconnected", 5, reason="disconnected") == "applied"
    assert sprocket.tell("connection.connected", 4) == "older"
    assert sprocket.tell("connection.connected", 5, "evt_same_number") == "older"
    assert sprocket.state()["status"] == "none"
    assert sprocket.tell("connection.connected", 6) == "applied"


def test_each_owner_has_numbers_of_its_own(sprocket: Sprocket) -> None:
    others: list[dict[str, object]] = [
        {"subscriberId": "subscriber-456"},
        {"contextKeys": ["tenant:org-1"]},
        {"integrationIdentifier": "slack-two", "contextKeys": ["tenant:org-1"]},
        {"subscriberId": None, "contextKeys": ["tenant:org-1"]},
    ]
    assert sprocket.tell("connection.connected", 7) == "applied"
    for number, other in enumerate(others):
        assert sprocket.tell("attempt.awaiting_approval", 1, f"evt_{number}", **other) == "applied"
    assert sprocket.tell("attempt.failed", 1, "evt_b", contextKeys=["b:2", "a:1"]) == "applied"
    assert sprocket.tell("attempt.failed", 1, "evt_a", contextKeys=["a:1", "b:2"]) == "older"
    assert sprocket.state()["status"] == "working"
    assert sprocket.state("subscriber-456")["status"] == "awaiting_approval"
    assert len(sprocket.owners) == 6


def test_a_ping_is_answered_and_says_nothing(sprocket: Sprocket) -> None:
    assert sprocket.tell("ping", None, subscriberId=None, contextKeys=None, workspace=None) == "ping"
    assert sprocket.owners == []


def test_an_event_of_a_type_from_the_future_is_answered(sprocket: Sprocket) -> None:
    sprocket.tell("connection.connected", 1)
    assert sprocket.tell("connection.praised", 2) == "unknown"
    assert sprocket.state()["status"] == "working"
    assert sprocket.state()["sequence"] == 2


def test_the_story_of_a_connection(sprocket: Sprocket) -> None:
    def now(*fields: str) -> list[object]:
        return [sprocket.state()[field] for field in fields]

    sprocket.tell("attempt.awaiting_approval", 1, reason="not_permitted")
    assert now("status", "reason") == ["awaiting_approval", "not_permitted"]
    sprocket.tell("connection.connected", 2)
    assert now("status", "workspace", "destination", "connection") == ["working", "Acme HQ", None, "chconn_1"]
    sprocket.tell("destination.set", 3, endpoint={"identifier": "e", "type": "slack_channel"})
    assert now("destination") == ["slack_channel"]
    sprocket.tell("connection.broken", 4, reason="app_uninstalled", reconnectUrl="http://127.0.0.1/install/x")
    assert now("status", "reason", "reconnectUrl") == ["broken", "app_uninstalled", "http://127.0.0.1/install/x"]
    sprocket.tell("attempt.cancelled", 5, reason="denied_by_person")
    assert now("status", "reason") == ["broken", "app_uninstalled"]
    sprocket.tell("connection.recovered", 6)
    assert now("status", "reason", "reconnectUrl", "destination") == ["working", None, None, "slack_channel"]
    sprocket.tell("connection.updated", 7)
    assert now("destination") == ["slack_channel"]
    sprocket.tell("connection.updated", 8, workspace={"id": "T2", "name": ""}, previousWorkspace={"id": "T1"})
    assert now("workspace", "destination") == ["T2", None]
    sprocket.tell("connection.disconnected", 9, reason="deleted_at_novu")
    assert now("status", "reason", "workspace") == ["none", "deleted_at_novu", None]
    sprocket.tell("attempt.expired", 10, reason="timed_out")
    assert now("status", "reason", "sequence") == ["none", "timed_out", 10]
    assert sprocket.events[2]["change"] == "working (Acme HQ, slack_channel) → working (T2)"


def test_pages_tell_the_same_though_the_service_is_away(sprocket: Sprocket) -> None:
    assert "Slack: not connected" in sprocket.open()
    sprocket.tell("connection.connected", 1)
    sprocket.tell("destination.set", 2, endpoint={"identifier": "e", "type": "slack_user"})
    page = sprocket.open()
    assert "to Acme HQ, notifications go to direct messages." in page
    assert "does not answer. This is what we knew last." in page
    sprocket.tell("connection.broken", 3, reason="token_revoked", reconnectUrl="http://127.0.0.1/install/x")
    assert "Slack disconnected us: the access was revoked" in sprocket.open()
    assert 'href="http://127.0.0.1/install/x">Reconnect</a>' in sprocket.see()
    sprocket.tell(
        "connection.connected", 1, subscriberId="subscriber-456", event_id="evt_markup", workspace={"name": "<b>"}
    )
    assert "&lt;b&gt;" in sprocket.see("/webhooks/log")
    assert "connection.broken number 3 of subscriber-123 applied" in sprocket.open("/webhooks/log")


@pytest.mark.parametrize(("kind", "status"), [("500", 500), ("410", 410)])
def test_it_fails_as_often_as_it_should(sprocket: Sprocket, kind: str, status: int) -> None:
    assert sprocket.press("/webhooks/faults", kind=kind, count="2").status_code == 303
    assert [sprocket.tell("connection.connected", 1) for _ in range(3)] == [str(status), str(status), "applied"]
    assert [each["answered"] for each in sprocket.events] == [200, status, status]
    assert [each["effect"] for each in sprocket.events] == ["applied", "failed", "failed"]


def test_it_fails_every_nth_time_until_it_is_cleared(sprocket: Sprocket) -> None:
    sprocket.press("/webhooks/faults", kind="nth", every="3")
    told = [sprocket.tell("connection.connected", number) for number in range(1, 7)]
    assert told == ["applied", "applied", "500"] * 2
    assert "Until you clear it." in sprocket.open("/webhooks/log")
    sprocket.press("/webhooks/faults/clear")
    assert [sprocket.tell("connection.connected", number) for number in (7, 8, 9)] == ["applied"] * 3


def test_what_is_slow_is_stored_and_what_closes_is_not() -> None:
    sprocket = made()
    with serving(sprocket.app) as url:
        for number, (kind, is_answered) in enumerate([("slow", True), ("hang", False), ("close", False)], 1):
            sprocket.host.faults.set(kind, 1, seconds=0.2)
            body, started = body_of("connection.connected", number), time.monotonic()
            try:
                answer = requests.post(f"{url}/webhooks/slack", body, headers=headers(f"evt_{kind}", body), timeout=5)
                assert (answer.status_code, is_answered) == (200, True)
            except requests.ConnectionError:
                assert not is_answered
            assert kind == "close" or time.monotonic() - started >= 0.2
    assert [each["answered"] for each in sprocket.events] == [None, None, 200]
    assert sprocket.state()["sequence"] == 2


@pytest.mark.parametrize(
    "fields", [{"kind": "fire"}, {}, {"kind": "500", "count": "0"}, {"kind": "slow", "seconds": "9999"}, {"count": "x"}]
)
def test_switches_that_make_no_sense_are_refused(sprocket: Sprocket, fields: dict[str, str]) -> None:
    assert sprocket.press("/webhooks/faults", **fields).status_code == 400
    assert sprocket.host.faults.current is None


def test_the_newest_two_hundred_are_kept(sprocket: Sprocket) -> None:
    for number in range(1, 206):
        sprocket.tell("connection.connected", number)
    assert [each["sequence"] for each in sprocket.events] == list(range(205, 5, -1))
