"""Verifying: a rotating token is traded for a new pair, or the reason why not is told."""

from __future__ import annotations

import pytest

from tests.sandbox.clients import NovuSite, message_of

ROTATING = {"accessToken": "xoxe.xoxb-1-old", "refreshToken": "xoxe-1-old", "expiresAt": "2030-01-01T00:00:00.000Z"}


def test_verify_stores_and_returns_a_fresh_pair(novu_site: NovuSite) -> None:
    made = novu_site.created(identifier="mine", auth={**ROTATING, "refreshTokenExpiresAt": "kept"})
    answer = novu_site.send("POST", "/mine/verify")
    fresh = answer.json()["data"]
    assert answer.status_code == 200
    assert fresh["auth"]["accessToken"].startswith("xoxe.xoxb-1-")
    assert fresh["auth"]["refreshToken"].startswith("xoxe-1-")
    assert not set(ROTATING.values()) & set(fresh["auth"].values())
    assert fresh["auth"]["refreshTokenExpiresAt"] == "kept"
    assert fresh["updatedAt"] >= made["updatedAt"]
    assert novu_site.send("GET", "/mine").json()["data"] == fresh
    assert novu_site.send("POST", "/mine/verify").json()["data"]["auth"] != fresh["auth"]


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (
            "refresh_failed",
            "Slack token refresh failed: invalid_refresh_token. Reconnect the Slack channel connection.",
        ),
        (
            "refresh_busy",
            "A token refresh for the Slack channel connection is already in progress."
            " Retry the verification in a few seconds.",
        ),
    ],
)
def test_a_refresh_that_fails_leaves_the_token_alone(novu_site: NovuSite, failure: str, words: str) -> None:
    made = novu_site.created(identifier="mine", auth=ROTATING)
    novu_site.suffer(failure)
    answer = novu_site.send("POST", "/mine/verify")
    assert message_of(answer) == (502, words)
    assert answer.json()["error"] == "Bad Gateway"
    assert novu_site.send("GET", "/mine").json()["data"] == made


@pytest.mark.parametrize("failure", ["refresh_failed", "refresh_busy"])
def test_a_token_that_does_not_rotate_cannot_fail_to(novu_site: NovuSite, failure: str) -> None:
    novu_site.created(identifier="mine")
    novu_site.suffer(failure)
    assert novu_site.send("POST", "/mine/verify").status_code == 200
    assert message_of(novu_site.send("POST", "/x/verify"))[0] == 404
