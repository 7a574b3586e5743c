"""Networks with a way out of their own: a proxy for every call, and a certificate authority that nobody else knows."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from onboarding.clock import utc_now
from onboarding.clock.deadline import Deadline
from onboarding.model import Grant, Reason, Secret, Workspace
from onboarding.model.errors import NovuError, SignInRefused, SlackRefused
from onboarding.remote.http import Http, Outgoing
from onboarding.remote.issuer import Identity
from onboarding.remote.novu import Filter, Novu
from onboarding.remote.slack import Slack
from onboarding.settings.apps import NovuSettings, SlackSettings
from onboarding.settings.environment import OidcSettings
from tests.forward import Proxy, forwarding
from tests.scripted import Script, answer, scripted
from tests.service import free_port
from tests.tls import Authority, authority

GRANT = {"ok": True, "access_token": "xoxb-1", "team": {"id": "T1"}}
REDEEMED = answer(200, json.dumps(GRANT).encode())
PASSWORD = "p@ss:word"
USER = f"user:{PASSWORD}"
ESCAPED = "user:p%40ss%3Aword"


@pytest.fixture
def our(tmp_path: Path) -> Authority:
    return authority(tmp_path)


@pytest.fixture
def script() -> Script:
    return Script([REDEEMED], takes=100)


@pytest.fixture
def secured(our: Authority, script: Script) -> Iterator[int]:
    """The port of a Slack whose name no name server knows, behind TLS."""
    with scripted(script, our.server("slack.test")) as url:
        yield urlsplit(url).port or 0


def outgoing(proxy: Proxy, our: Authority | None = None, user: str = "") -> Outgoing:
    return Outgoing(Secret(f"http://{user}{'@' if user else ''}127.0.0.1:{proxy.port}"), our.file if our else None)


def redeem(url: str, way: Outgoing) -> Grant:
    settings = SlackSettings(url, "1.1", Secret("secret"), (), "https://x.example/back")
    return Slack(settings, utc_now, Http(way)).redeem(Secret("the-code"))


def refusal(url: str, way: Outgoing) -> str:
    with pytest.raises(SlackRefused) as caught:
        redeem(url, way)
    assert caught.value.reason is Reason.SLACK_UNAVAILABLE
    return caught.value.detail


def test_slack_is_reached_through_a_tunnel_and_our_authority_is_trusted(
    our: Authority, script: Script, secured: int
) -> None:
    with forwarding(Proxy({"slack.test": secured})) as proxy:
        assert redeem("https://slack.test", outgoing(proxy, our)).workspace.id == "T1"
    assert [line.rpartition(" ")[0] for line in proxy.asked] == ["CONNECT slack.test:443"]
    assert b"\r\nHost: slack.test\r\n" in script.seen[0]


def test_the_proxy_sees_nothing_of_what_goes_through_its_tunnel(our: Authority, script: Script, secured: int) -> None:
    with forwarding(Proxy({"slack.test": secured}, USER)) as proxy:
        redeem("https://slack.test", outgoing(proxy, our, ESCAPED))
    assert "the-code" not in str(proxy.heads)
    assert b"Proxy-Authorization" not in script.seen[0]


def test_a_tunnel_is_used_again(our: Authority, script: Script, secured: int) -> None:
    settings = SlackSettings("https://slack.test", "1.1", Secret("secret"), (), "https://x.example/back")
    with forwarding(Proxy({"slack.test": secured})) as proxy:
        slack = Slack(settings, utc_now, Http(outgoing(proxy, our)))
        for _ in range(3):
            slack.redeem(Secret("code"))
    assert (len(proxy.heads), len(script.seen), script.connections) == (1, 3, 1)


def test_novu_is_reached_over_plain_http_by_its_whole_address(script: Script) -> None:
    script.answers = [answer(200, b'{"data": []}')]
    with scripted(script) as url, forwarding(Proxy({"novu.test": urlsplit(url).port or 0}, USER)) as proxy:
        novu = Novu(NovuSettings("http://novu.test/base", Secret("key"), "i"), Http(outgoing(proxy, user=ESCAPED)))
        assert novu.list(Filter(), Deadline(5)).connections == ()
    assert proxy.asked[0].startswith("GET http://novu.test/base/v1/channel-connections?")
    assert b"\r\nHost: novu.test\r\n" in script.seen[0]


def test_the_issuer_is_asked_through_it_too(script: Script) -> None:
    settings = OidcSettings(
        "https://issuer.test", "id", Secret("s"), frozenset(), frozenset(), "https://x.example/back"
    )
    with forwarding(Proxy({})) as proxy, pytest.raises(SignInRefused, match="proxy_refused"):
        Identity(settings, utc_now, Http(outgoing(proxy))).begin()
    assert proxy.asked[0].startswith("CONNECT issuer.test:443 ")


def test_this_very_machine_is_asked_directly(our: Authority, script: Script) -> None:
    dead = Outgoing(Secret(f"http://127.0.0.1:{free_port()}"), our.file)
    with scripted(script) as url:
        assert redeem(url, dead).workspace.id == "T1"
    with scripted(script, our.server("localhost")) as url:
        assert redeem(url, dead).workspace.id == "T1"


@pytest.mark.parametrize("user", ["", "user:wrong"])
def test_a_proxy_that_wants_another_password_is_named(our: Authority, script: Script, secured: int, user: str) -> None:
    with scripted(script) as plain:
        knows = {"slack.test": secured, "novu.test": urlsplit(plain).port or 0}
        with forwarding(Proxy(knows, USER)) as proxy:
            assert refusal("https://slack.test", outgoing(proxy, our, user)) == "proxy_refused"
            assert refusal("http://novu.test", outgoing(proxy, our, user)) == "proxy_refused"
    assert script.seen == []


def test_a_proxy_that_cannot_reach_slack_is_named(our: Authority) -> None:
    with forwarding(Proxy({})) as proxy:
        assert refusal("https://slack.test", outgoing(proxy, our)) == "proxy_refused"


@pytest.mark.parametrize("way", ["http://127.0.0.1:{port}", "http://proxy.invalid:{port}"])
@pytest.mark.parametrize("url", ["https://slack.test", "http://slack.test"])
def test_a_proxy_that_is_not_there_is_named(way: str, url: str) -> None:
    assert refusal(url, Outgoing(Secret(way.format(port=free_port())))) == "proxy_unreachable"


def test_a_proxy_that_hangs_up_is_named(script: Script) -> None:
    script.answers, script.takes = [b""], 1
    with scripted(script) as url:
        assert refusal("https://slack.test", Outgoing(Secret(url))) == "proxy_refused"
    assert [seen.split(b" ")[0] for seen in script.seen] == [b"CONNECT", b"CONNECT"]


def test_a_certificate_is_proven_through_the_proxy_as_well(our: Authority, script: Script, secured: int) -> None:
    with forwarding(Proxy({"slack.test": secured, "other.test": secured})) as proxy:
        assert refusal("https://slack.test", outgoing(proxy)) == "certificate_not_trusted"
        assert refusal("https://other.test", outgoing(proxy, our)) == "certificate_of_another_host"
    assert script.seen == []


def test_a_redeem_that_left_through_the_proxy_is_not_repeated(our: Authority, script: Script, secured: int) -> None:
    script.answers, script.takes = [b""], 1
    with forwarding(Proxy({"slack.test": secured})) as proxy:
        assert refusal("https://slack.test", outgoing(proxy, our)) == "no_answer"
    assert len(script.seen) == 1


def test_the_password_is_told_to_nobody_else(
    our: Authority, script: Script, secured: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with forwarding(Proxy({"slack.test": secured}, USER)) as proxy:
        way = outgoing(proxy, our, ESCAPED)
        redeem("https://slack.test", way)
        refused = refusal("https://nobody.test", way)
    told = f"{way!r} {Http(way)!r} {refused} {caplog.text}"
    for secret in (PASSWORD, "p%40ss%3Aword", "dXNlcjpwQHNzOndvcmQ="):
        assert secret not in told


def test_a_novu_of_our_own_authority_is_trusted(our: Authority, script: Script) -> None:
    """The other authorities still are: nothing is taken away."""
    script.answers = [answer(200, b'{"data": []}')]
    with scripted(script, our.server("localhost")) as url:
        settings = NovuSettings(url, Secret("key"), "i")
        assert Novu(settings, Http(Outgoing(ca_file=our.file))).list(Filter(), Deadline(5)).connections == ()
        with pytest.raises(NovuError, match="certificate_not_trusted"):
            Novu(settings).list(Filter(), Deadline(5))


def test_a_grant_is_carried_to_novu_through_the_proxy(script: Script) -> None:
    made = {"identifier": "mine", "workspace": {"id": "T1", "name": "Acme"}}
    script.answers = [answer(201, json.dumps({"data": made}).encode())]
    grant = Grant(Workspace("T1", "Acme"), Secret("xoxb-1"), frozenset(), datetime.now(UTC))
    with scripted(script) as url, forwarding(Proxy({"novu.test": urlsplit(url).port or 0})) as proxy:
        novu = Novu(NovuSettings("http://novu.test", Secret("key"), "i"), Http(outgoing(proxy)))
        assert novu.update("mine", grant, "key-1", Deadline(5)).workspace == grant.workspace
    assert b"Idempotency-Key: key-1" in script.seen[0]
