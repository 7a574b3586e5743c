"""Sealed grants: only our keys open them, and only for the attempt they were sealed for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from onboarding.model import Grant, Secret, Workspace
from onboarding.model.errors import SealBroken
from onboarding.signing.vault import Vault

OLD, NEW = Secret("an older key that is long enough!"), Secret("the key of today, long enough too")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
GRANT = Grant(
    workspace=Workspace("T1", "Acme"),
    bot_token=Secret("xoxb-secret"),
    scopes=frozenset({"chat:write"}),
    granted_at=NOW,
    app_id="A1",
    bot_user_id="U1",
    installer_id="U2",
    refresh_token=Secret("xoxe-1-secret"),
    expires_at=NOW + timedelta(hours=12),
)


@pytest.mark.parametrize("grant", [GRANT, replace(GRANT, refresh_token=None, expires_at=None, app_id=None)])
def test_a_sealed_grant_opens_unchanged(grant: Grant) -> None:
    vault = Vault([NEW])
    assert vault.unseal("attempt", vault.seal("attempt", grant)) == grant


def test_a_sealed_grant_shows_nothing() -> None:
    sealed = Vault([NEW]).seal("attempt", GRANT)
    assert "xoxb" not in sealed
    assert "Acme" not in sealed


def test_a_grant_sealed_under_a_key_that_became_a_fallback_opens() -> None:
    assert Vault([OLD, NEW]).unseal("attempt", Vault([OLD]).seal("attempt", GRANT)) == GRANT


def test_the_newest_key_seals() -> None:
    assert Vault([NEW]).unseal("attempt", Vault([OLD, NEW]).seal("attempt", GRANT)) == GRANT


@pytest.mark.parametrize("sealed", ["", "x", "gAAAAA", "ü"])
def test_what_is_not_a_seal_of_ours_stays_shut(sealed: str) -> None:
    with pytest.raises(SealBroken):
        Vault([NEW]).unseal("attempt", sealed)


def test_another_key_does_not_open() -> None:
    with pytest.raises(SealBroken):
        Vault([NEW]).unseal("attempt", Vault([OLD]).seal("attempt", GRANT))


def test_a_seal_moved_to_another_attempt_stays_shut() -> None:
    vault = Vault([NEW])
    with pytest.raises(SealBroken):
        vault.unseal("another", vault.seal("attempt", GRANT))


def test_a_grant_never_shows_its_tokens() -> None:
    assert "secret" not in f"{GRANT!r} {GRANT} {GRANT.bot_token!r} {GRANT.bot_token}"
