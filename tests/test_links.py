"""Install links: what a host back end may sign, and what opening one refuses."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import Signer, URLSafeTimedSerializer
from itsdangerous.encoding import base64_encode, int_to_bytes

from onboarding.model import ConnectionMode, Secret
from onboarding.model.errors import LinkExpired, LinkForged, LinkMalformed
from onboarding.signing.links import Links, from_payload, to_payload

NOW = datetime.now(UTC).replace(microsecond=0)
OLD, NEW = "an older key that is long enough!", "the key of today, long enough too"
LINKS = Links([Secret(OLD), Secret(NEW)], timedelta(days=7), "slack-prod")
PAYLOAD: dict[str, Any] = {
    "id": "x" * 22,
    "subscriberId": "subscriber-123",
    "expiresAt": (NOW + timedelta(days=1)).isoformat(),
}


def signed(payload: object, key: str = NEW, salt: str = "install-link") -> str:
    """A link as a host back end signs it by itself."""
    return str(URLSafeTimedSerializer([key], salt=salt).dumps(payload))


def wrong_fields(**changes: object) -> list[str]:
    with pytest.raises(LinkMalformed) as caught:
        LINKS.open(signed({**PAYLOAD, **changes}), NOW)
    return [problem.name for problem in caught.value.problems]


def test_a_link_signed_by_a_host_back_end_opens() -> None:
    link = LINKS.open(signed(PAYLOAD), NOW)
    assert link.subscriber_id == "subscriber-123"
    assert link.integration == "slack-prod"
    assert link.mode is ConnectionMode.SUBSCRIBER


def test_a_created_link_opens_as_what_was_asked() -> None:
    fields = {
        "subscriberId": "s-1",
        "context": {"tenant": {"id": "org-1", "data": {"plan": "pro"}}, "region": "eu"},
        "integrationIdentifier": "slack-eu",
        "identifier": "acme:slack",
        "account": "Acme Inc.",
        "returnUrl": "https://app.example.com/settings?tab=slack",
    }
    link = LINKS.mint(fields, timedelta(hours=1), NOW)
    assert LINKS.open(LINKS.sign(link), NOW) == link


def test_an_older_key_still_opens_and_only_the_newest_signs() -> None:
    assert LINKS.open(signed(PAYLOAD, key=OLD), NOW).id == PAYLOAD["id"]
    rotated = Links([Secret(NEW)], timedelta(days=7), "slack-prod")
    assert rotated.open(LINKS.sign(LINKS.mint({"subscriberId": "s"}, None, NOW)), NOW)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "x" * 7000,
        "\x00",
        "ünïcode",
        "..",
        signed(PAYLOAD)[:-1],
        signed(PAYLOAD)[1:],
        signed(PAYLOAD, key="another deployment's key, also long"),
        signed(PAYLOAD, salt="cookie-session"),
    ],
)
def test_a_token_that_is_not_ours_is_forged(token: str) -> None:
    with pytest.raises(LinkForged):
        LINKS.open(token, NOW)


@given(st.text())
def test_no_text_at_all_opens_or_crashes(token: str) -> None:
    with pytest.raises(LinkForged):
        LINKS.open(token, NOW)


def test_a_link_ends_at_its_own_expiry() -> None:
    token = signed({**PAYLOAD, "expiresAt": (NOW + timedelta(minutes=5)).isoformat()})
    assert LINKS.open(token, NOW + timedelta(minutes=4))
    with pytest.raises(LinkExpired):
        LINKS.open(token, NOW + timedelta(minutes=5))


def test_a_link_ends_after_the_longest_life_whatever_it_says() -> None:
    token = signed({**PAYLOAD, "expiresAt": (NOW + timedelta(days=365)).isoformat()})
    assert LINKS.open(token, NOW + timedelta(days=6, hours=23))
    with pytest.raises(LinkExpired):
        LINKS.open(token, NOW + timedelta(days=8))


def test_a_link_signed_in_the_future_does_not_outlive_the_others() -> None:
    with time_machine.travel(NOW + timedelta(hours=23)):
        token = signed({**PAYLOAD, "expiresAt": (NOW + timedelta(days=9999)).isoformat()})
    assert LINKS.open(token, NOW).expires_at == NOW + timedelta(days=7)


def test_a_link_from_more_than_a_day_ahead_is_malformed() -> None:
    with time_machine.travel(NOW + timedelta(hours=25)):
        token = signed(PAYLOAD)
    with pytest.raises(LinkMalformed, match="lies in the future"):
        LINKS.open(token, NOW)


def test_a_link_signed_at_no_moment_is_malformed() -> None:
    serializer = URLSafeTimedSerializer([NEW], salt="install-link")
    signer = serializer.make_signer(serializer.salt)
    value = serializer.dump_payload(PAYLOAD) + b"." + base64_encode(int_to_bytes(2**60))
    with pytest.raises((LinkMalformed, LinkForged)):
        LINKS.open((value + b"." + signer.get_signature(value)).decode(), NOW)


def test_signing_a_link_again_does_not_prolong_it() -> None:
    first = LINKS.open(signed({**PAYLOAD, "expiresAt": (NOW + timedelta(days=365)).isoformat()}), NOW)
    again = LINKS.open(LINKS.sign(first), NOW)
    assert again.expires_at == first.expires_at


def test_a_host_whose_clock_is_ahead_signs_good_links() -> None:
    assert LINKS.open(signed(PAYLOAD), NOW - timedelta(minutes=2))


@pytest.mark.parametrize("payload", [None, [], "text", 7, {}, {"id": "x"}])
def test_a_payload_of_another_shape_is_malformed(payload: object) -> None:
    with pytest.raises(LinkMalformed):
        LINKS.open(signed(payload), NOW)


def test_a_payload_that_is_not_json_is_malformed() -> None:
    serializer = URLSafeTimedSerializer([NEW], salt="install-link")
    token = serializer.make_signer(serializer.salt).sign(b"bm90IGpzb24").decode()
    with pytest.raises(LinkMalformed):
        LINKS.open(token, NOW)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "short"),
        ("id", 7),
        ("id", "x" * 21 + "/"),
        ("subscriberId", ""),
        ("subscriberId", " "),
        ("subscriberId", 7),
        ("subscriberId", "x" * 256),
        ("subscriberId", "a\x00b"),
        ("connectionMode", "personal"),
        ("connectionMode", ["shared"]),
        ("integrationIdentifier", ""),
        ("integrationIdentifier", {"a": 1}),
        ("identifier", "a/b"),
        ("identifier", "a?b"),
        ("identifier", ".."),
        ("identifier", "x" * 201),
        ("account", 7),
        ("account", "x" * 201),
        ("account", "two\nlines"),
        ("context", {}),
        ("context", []),
        ("context", "tenant:org"),
        ("context", {"tenant": ""}),
        ("context", {"tenant": "org 1"}),
        ("context", {"tenant": "x" * 101}),
        ("context", {"tenant": {"data": {}}}),
        ("context", {"tenant": {"id": "o", "data": []}}),
        ("context", {"tenant": {"id": "o", "data": {"x": "y" * 70_000}}}),
        ("context", {"tenant": {"id": "o", "data": {"x": float("nan")}}}),
        ("context", {"": "org"}),
        ("context", {str(n): "org" for n in range(6)}),
        ("context", {"tenant": "one", " tenant": "two"}),
        ("context", {"tenant": " "}),
        ("context", {" ": "org"}),
        ("subscriberId", "\u200b"),
        ("subscriberId", "in\nside"),
        ("returnUrl", "http://example.com"),
        ("returnUrl", "javascript:alert(1)"),
        ("returnUrl", "//example.com"),
        ("returnUrl", "/settings"),
        ("returnUrl", "https://user:password@example.com"),
        ("returnUrl", "https://"),
        ("returnUrl", "https://example.com/ with space"),
        ("returnUrl", 7),
        ("expiresAt", "tomorrow"),
        ("expiresAt", "2030-01-01T00:00:00"),
        ("expiresAt", "2030-01-01T00:00:00+02:00"),
        ("expiresAt", 1893456000),
        ("expiresAt", None),
    ],
)
def test_a_field_that_breaks_its_rule_is_named(field: str, value: object) -> None:
    assert field in wrong_fields(**{field: value})


@pytest.mark.parametrize("field", ['"subscriberId":"\\ud800"', '"context":{"a":{"id":"b","data":{"c":"\\ud800"}}}'])
def test_half_a_character_is_malformed(field: str) -> None:
    serializer = URLSafeTimedSerializer([NEW], salt="install-link")
    payload = f'{{"id":"{"x" * 22}","expiresAt":"2030-01-01T00:00:00Z",{field}}}'
    token = serializer.make_signer(serializer.salt).sign(urlsafe_b64encode(payload.encode()).rstrip(b"=")).decode()
    with pytest.raises(LinkMalformed):
        LINKS.open(token, NOW)


@pytest.mark.parametrize("data", [{"note": "a\0b"}, {"a\0": 1}, {"deep": [{"x": ["\\\0"]}]}])
def test_a_nul_in_a_contexts_data_is_refused_and_read_where_it_lies(data: dict[str, Any]) -> None:
    context = {"tenant": {"id": "org-1", "data": data}}
    assert wrong_fields(context=context) == ["context"]
    with pytest.raises(LinkMalformed):
        LINKS.mint({"subscriberId": "s-1", "context": context}, None, NOW)
    stored = from_payload({**PAYLOAD, "integrationIdentifier": "slack-prod", "context": context})
    assert from_payload(to_payload(stored)) == stored
    assert stored.contexts[0].data == data


def test_words_about_a_nul_are_no_nul() -> None:
    data = {"note": "\\u0000", "more": "\\\\u0000"}
    assert (
        LINKS.open(signed({**PAYLOAD, "context": {"tenant": {"id": "o", "data": data}}}), NOW).contexts[0].data == data
    )


def test_every_wrong_field_is_named_at_once() -> None:
    assert {"id", "account", "returnUrl"} <= set(wrong_fields(id="x", account=7, returnUrl="x"))


def test_somebody_must_be_connected() -> None:
    assert wrong_fields(subscriberId=None) == ["subscriberId"]


def test_a_subscriber_connection_needs_a_subscriber() -> None:
    assert wrong_fields(subscriberId=None, context={"tenant": "o"}, connectionMode="subscriber") == ["subscriberId"]


def test_a_shared_connection_needs_a_context_and_has_no_subscriber() -> None:
    assert wrong_fields(connectionMode="shared") == ["context"]
    link = LINKS.open(signed({**PAYLOAD, "connectionMode": "shared", "context": {"tenant": "o"}}), NOW)
    assert link.owner.subscriber_id is None


def test_a_context_alone_is_shared() -> None:
    link = LINKS.open(signed({**PAYLOAD, "subscriberId": None, "context": {"tenant": "o"}}), NOW)
    assert link.mode is ConnectionMode.SHARED


def test_http_return_urls_are_for_loopback_only() -> None:
    assert LINKS.open(signed({**PAYLOAD, "returnUrl": "http://localhost:3000/done"}), NOW)


def identifier(**changes: object) -> str:
    return LINKS.open(signed({**PAYLOAD, **changes}), NOW).identifier


def test_one_owner_always_lands_on_one_identifier() -> None:
    assert identifier(context={"a": "1", "b": "2"}) == identifier(context={"b": "2", "a": {"id": "1", "data": {}}})
    assert identifier() == identifier(account="Other name", id="y" * 22)
    assert identifier(identifier="chosen") == "chosen"


def test_different_owners_get_different_identifiers() -> None:
    owners = [
        identifier(),
        identifier(subscriberId="subscriber-124"),
        identifier(integrationIdentifier="slack-eu"),
        identifier(context={"tenant": "o"}),
        identifier(context={"tenant": "o", "region": "eu"}),
        identifier(context={"tenant": "o"}, connectionMode="shared"),
    ]
    assert len(set(owners)) == len(owners)


def test_a_link_cannot_be_created_for_longer_than_links_live() -> None:
    with pytest.raises(LinkMalformed, match="expiresIn"):
        LINKS.mint({"subscriberId": "s"}, timedelta(days=8), NOW)


def test_a_short_address_holds_the_id_and_nothing_else() -> None:
    link = replace(LINKS.mint({"subscriberId": "s", "account": "Acme"}, None, NOW), is_short=True)
    token = LINKS.sign(link)
    assert len(token) == 50
    assert LINKS.short_id(token) == link.id
    assert LINKS.short_id(LINKS.sign(replace(link, is_short=False))) is None


def test_a_short_address_opens_under_an_older_key_and_is_signed_by_the_newest() -> None:
    link_id = "x" * 22
    assert LINKS.short_id(Signer(OLD, salt="short-link").sign(link_id).decode()) == link_id
    link = replace(LINKS.open(signed(PAYLOAD), NOW), is_short=True)
    assert Links([Secret(NEW)], timedelta(days=7), "slack-prod").short_id(LINKS.sign(link)) == link.id


@pytest.mark.parametrize(
    ("key", "salt"), [("another deployment's key, also long", "short-link"), (NEW, "install-link")]
)
def test_a_short_address_that_is_not_ours_is_forged(key: str, salt: str) -> None:
    with pytest.raises(LinkForged):
        LINKS.short_id(Signer(key, salt=salt).sign("x" * 22).decode())


@given(st.text())
def test_no_text_at_all_is_taken_for_a_short_address(token: str) -> None:
    assert LINKS.short_id(token) is None


OWNED: dict[str, Any] = {
    "subscriberId": "subscriber 123",
    "context": {"tenant": "org-1", "region": {"id": "eu", "data": {"note": " kept "}}},
    "integrationIdentifier": "slack-eu",
    "identifier": "acme slack",
    "account": "Acme Inc.",
    "returnUrl": "https://app.example.com/settings",
}
BLANKS = st.text(" \t\r\n\u00a0\u3000", max_size=3)


def padded(value: Any, before: str, after: str) -> Any:
    """The same with white space around each text that is not data."""
    if isinstance(value, dict):
        return {
            name if name in {"id", "data"} else f"{before}{name}{after}": entry
            if name == "data"
            else padded(entry, before, after)
            for name, entry in value.items()
        }
    return f"{before}{value}{after}"


@given(BLANKS, BLANKS)
def test_white_space_at_the_ends_of_an_id_makes_no_other_id(before: str, after: str) -> None:
    fields = {name: padded(value, before, after) for name, value in OWNED.items()}
    plain = LINKS.open(signed({**PAYLOAD, **OWNED}), NOW)
    assert LINKS.open(signed({**PAYLOAD, **fields}), NOW) == plain
    minted = LINKS.mint(fields, timedelta(hours=1), NOW)
    assert minted.owner == plain.owner
    assert minted.identifier == plain.identifier == "acme slack"


def test_the_derived_identifier_knows_no_white_space_either() -> None:
    assert identifier(subscriberId=" subscriber-123\n") == identifier()
    assert identifier(integrationIdentifier="slack-prod ") == identifier()
    assert identifier(context={" tenant": "o "}) == identifier(context={"tenant": "o"})
