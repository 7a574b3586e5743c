"""The Novu client against the local Novu: all five operations, and create-or-update."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from onboarding.clock.deadline import Deadline
from onboarding.model import Grant, InstallLink, Secret, Workspace
from onboarding.model.errors import IdentifierTaken, NovuError
from onboarding.remote.novu import Filter, Novu
from onboarding.settings.apps import NovuSettings
from onboarding.signing.links import Links
from tests.fakes import NOVU_KEY, SECRET_KEY, LocalNovu
from tests.scripted import Script, answer, scripted

NOW = datetime.now(UTC)
LINKS = Links([Secret(SECRET_KEY)], timedelta(days=7), "slack-prod")
GRANT = Grant(Workspace("T1", "Acme"), Secret("xoxb-first"), frozenset({"chat:write"}), NOW)
NEWER = Grant(Workspace("T2", "Beta"), Secret("xoxb-second"), frozenset({"chat:write"}), NOW)


@pytest.fixture
def client(novu: LocalNovu) -> Novu:
    return Novu(NovuSettings(novu.url, Secret(NOVU_KEY), "slack-prod"))


@pytest.fixture
def deadline() -> Deadline:
    return Deadline(10)


def link(**fields: object) -> InstallLink:
    return LINKS.mint({"subscriberId": "subscriber-123", **fields}, None, NOW)


def test_create_retrieve_update_delete(client: Novu, deadline: Deadline) -> None:
    made = client.create(link(context={"tenant": "org-1"}), GRANT, "key-1", deadline)
    assert made.context_keys == ("tenant:org-1",)
    assert made.workspace == Workspace("T1", "Acme")
    assert client.retrieve(made.identifier, deadline) == made
    assert client.update(made.identifier, NEWER, "key-2", deadline).workspace == Workspace("T2", "Beta")
    client.delete(made.identifier, deadline)
    with pytest.raises(NovuError) as caught:
        client.retrieve(made.identifier, deadline)
    assert caught.value.status == 404


def test_nothing_it_returns_shows_a_token(client: Novu, deadline: Deadline) -> None:
    made = client.create(link(), GRANT, "key", deadline)
    assert "xoxb" not in f"{made!r} {client.list(Filter(), deadline)!r}"


def test_lists_page_by_page(client: Novu, deadline: Deadline) -> None:
    for number in range(5):
        client.create(link(context={"n": str(number)}), GRANT, f"key-{number}", deadline)
    seen, after = [], None
    while True:
        page = client.list(Filter(limit=2, after=after), deadline)
        assert page.total == 5
        seen += [connection.context_keys for connection in page.connections]
        after = page.next
        if after is None:
            break
    assert seen == [(f"n:{number}",) for number in (4, 3, 2, 1, 0)]


def test_lists_by_exact_context(client: Novu, deadline: Deadline) -> None:
    for context in (None, {"a": "1"}, {"a": "1", "b": "2"}):
        client.create(link(context=context), GRANT, str(context), deadline)

    def contexts(keys: tuple[str, ...] | None) -> list[tuple[str, ...]]:
        return sorted(c.context_keys for c in client.list(Filter(context_keys=keys), deadline).connections)

    assert contexts(()) == [()]
    assert contexts(("a:1",)) == [("a:1",)]
    assert [sorted(keys) for keys in contexts(("b:2", "a:1"))] == [["a:1", "b:2"]]
    assert len(contexts(None)) == 3


def test_connect_creates(client: Novu, deadline: Deadline, novu: LocalNovu) -> None:
    assert client.connect(link(), GRANT, "key", deadline).identifier == link().identifier
    assert len(novu.state.connections) == 1


def test_connect_updates_what_the_owner_has(client: Novu, deadline: Deadline, novu: LocalNovu) -> None:
    client.connect(link(), GRANT, "key-1", deadline)
    assert client.connect(link(), NEWER, "key-2", deadline).workspace == Workspace("T2", "Beta")
    [connection] = novu.state.connections
    assert connection.auth["accessToken"] == "xoxb-second"


def test_connect_updates_what_another_tool_made_for_the_owner(
    client: Novu, deadline: Deadline, novu: LocalNovu
) -> None:
    client.create(link(identifier="made-elsewhere", context={"t": "1"}), GRANT, "key-1", deadline)
    assert client.connect(link(context={"t": "1"}), NEWER, "key-2", deadline).identifier == "made-elsewhere"
    assert len(novu.state.connections) == 1


def test_connect_finds_a_shared_record_among_personal_ones(client: Novu, deadline: Deadline, novu: LocalNovu) -> None:
    shared = {"connectionMode": "shared", "context": {"t": "1"}}
    client.create(link(identifier="made-elsewhere", **shared), GRANT, "key-0", deadline)
    client.create(link(context={"t": "1"}), GRANT, "key-1", deadline)
    assert client.connect(link(**shared), NEWER, "key-2", deadline).identifier == "made-elsewhere"
    assert sorted(c.auth["accessToken"] for c in novu.state.connections) == ["xoxb-first", "xoxb-second"]


def test_connect_never_touches_what_belongs_to_another_owner(client: Novu, deadline: Deadline, novu: LocalNovu) -> None:
    client.create(link(identifier="taken"), GRANT, "key-1", deadline)
    with pytest.raises(IdentifierTaken):
        client.connect(link(identifier="taken", context={"t": "1"}), NEWER, "key-2", deadline)
    [connection] = novu.state.connections
    assert connection.auth["accessToken"] == "xoxb-first"


def test_a_conflict_with_nothing_to_find_is_tried_later(client: Novu, deadline: Deadline, novu: LocalNovu) -> None:
    novu.suffer("conflict")
    with pytest.raises(NovuError) as caught:
        client.connect(link(), GRANT, "key", deadline)
    assert caught.value.is_transient


def test_rotation_fields_are_sent(client: Novu, deadline: Deadline, novu: LocalNovu) -> None:
    rotating = replace(GRANT, refresh_token=Secret("xoxe-1-x"), expires_at=NOW + timedelta(hours=12))
    client.connect(link(), rotating, "key", deadline)
    [connection] = novu.state.connections
    assert connection.auth["refreshToken"] == "xoxe-1-x"
    assert connection.auth["expiresAt"].endswith("Z")


@pytest.mark.parametrize(
    ("failure", "status", "is_transient"),
    [
        ("unauthorized", 401, False),
        ("integration_missing", 404, False),
        ("subscriber_missing", 404, False),
        ("rejected", 422, False),
        ("rate_limited", 429, True),
        ("in_progress", 409, True),
        ("error_twice", 500, True),
        ("html", 502, True),
        ("down", None, True),
        ("truncated", None, True),
    ],
)
def test_errors_carry_what_happened(
    client: Novu, deadline: Deadline, novu: LocalNovu, failure: str, status: int | None, is_transient: bool
) -> None:
    novu.suffer(failure)
    with pytest.raises(NovuError) as caught:
        client.create(link(), GRANT, "key", deadline)
    assert caught.value.status == status
    assert caught.value.is_transient == is_transient
    assert "xoxb" not in str(caught.value)


def test_an_error_carries_when_to_come_back(client: Novu, deadline: Deadline, novu: LocalNovu) -> None:
    novu.suffer("rate_limited")
    with pytest.raises(NovuError) as caught:
        client.create(link(), GRANT, "key", deadline)
    assert caught.value.retry_after is not None
    assert caught.value.retry_after > 0


def test_an_error_carries_the_fields_that_are_wrong(client: Novu, deadline: Deadline, novu: LocalNovu) -> None:
    novu.suffer("rejected")
    with pytest.raises(NovuError) as caught:
        client.create(link(), GRANT, "key", deadline)
    assert caught.value.field_errors
    for problem in caught.value.field_errors:
        assert problem in str(caught.value)


def test_a_novu_of_today_has_channel_connections(client: Novu, deadline: Deadline) -> None:
    assert client.has_connections(deadline)


@pytest.mark.parametrize(("status", "body"), [(404, b"<html>"), (404, b'{"statusCode": 404, "message": "Cannot GET"}')])
def test_an_older_one_has_none(deadline: Deadline, status: int, body: bytes) -> None:
    with scripted(Script([answer(status, body)])) as url:
        assert not Novu(NovuSettings(url, Secret("key-1"), "slack-prod")).has_connections(deadline)


def test_a_404_in_front_of_novu_is_no_connection_that_is_gone(deadline: Deadline) -> None:
    """Else a connection that is there would be taken for one that nobody has."""
    conflict = answer(409, b'{"statusCode": 409, "message": "exists"}')
    with scripted(Script([conflict, answer(404, b"default backend - 404")], takes=9)) as url:
        novu = Novu(NovuSettings(url, Secret("key-1"), "slack-prod"))
        with pytest.raises(NovuError) as caught:
            novu.connect(link(), GRANT, "key", deadline)
    assert caught.value.is_transient
    assert caught.value.status is None


def test_a_deadline_that_has_passed_asks_nothing(client: Novu) -> None:
    with pytest.raises(NovuError, match="no time left"):
        client.list(Filter(), Deadline(0))


def test_a_novu_that_is_not_there_is_transient(deadline: Deadline) -> None:
    client = Novu(NovuSettings("http://127.0.0.1:9", Secret("key"), "slack-prod"))
    with pytest.raises(NovuError) as caught:
        client.list(Filter(), deadline)
    assert caught.value.is_transient
