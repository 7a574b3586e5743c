"""What the Slack client does with Slack's own words."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from onboarding import remote
from onboarding.clock import utc_now
from onboarding.model import Grant, Reason, Secret
from onboarding.model.errors import SlackRefused
from onboarding.model.names import clean_name
from onboarding.remote.http import Http
from onboarding.remote.slack import REASONS, Slack, error_word, reason_of_return
from onboarding.settings.apps import SlackSettings
from tests.relay import Way, relaying
from tests.scripted import Script, answer, scripted

DOCUMENTED = {
    "bad_client_secret": Reason.SLACK_MISCONFIGURED,
    "bad_redirect_uri": Reason.SLACK_MISCONFIGURED,
    "unknown_method": Reason.SLACK_MISCONFIGURED,
    "invalid_client_id": Reason.SLACK_MISCONFIGURED,
    "invalid_scope": Reason.SLACK_MISCONFIGURED,
    "unapproved_scope": Reason.SLACK_MISCONFIGURED,
    "scope_not_allowed_on_enterprise": Reason.SLACK_MISCONFIGURED,
    "invalid_team_for_non_distributed_app": Reason.SLACK_MISCONFIGURED,
    "no_scopes": Reason.SLACK_MISCONFIGURED,
    "invalid_code": Reason.CODE_REFUSED,
    "code_already_used": Reason.CODE_REFUSED,
    "ratelimited": Reason.SLACK_UNAVAILABLE,
    "fatal_error": Reason.SLACK_UNAVAILABLE,
    "team_added_to_org": Reason.SLACK_UNAVAILABLE,
    "org_login_required": Reason.WORKSPACE_POLICY,
    "invalid_auth": Reason.WORKSPACE_POLICY,
}


@pytest.mark.parametrize(("error", "reason"), DOCUMENTED.items())
def test_documented_errors_are_grouped_by_what_to_do(error: str, reason: Reason) -> None:
    assert REASONS[error] is reason


def test_every_documented_error_has_one_group() -> None:
    assert len(REASONS) == 18 + 11 + 7 + 6 + 16


@pytest.mark.parametrize("error", [None, 7, "", "<b>", "x" * 65, "Über", "a b", "a\x00", ["x"], {"a": 1}])
def test_an_error_that_is_not_a_word_is_not_kept(error: object) -> None:
    assert error_word(error) == "unreadable"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Acme", "Acme"),
        ("  Acme \n\t HQ  ", "Acme HQ"),
        ("\u202eevil\u202c", "evil"),
        ("a\u200eb\u200fc\u2066d\u2069", "abcd"),
        ("nul\x00led", "nulled"),
        ("\N{ROCKET} \N{FAMILY}", "\N{ROCKET} \N{FAMILY}"),
        ("\N{WOMAN}\u200d\N{PERSONAL COMPUTER}", "\N{WOMAN}\u200d\N{PERSONAL COMPUTER}"),
        ("שלום", "שלום"),
        ("x" * 200, "x" * 79 + "…"),
        ("\u202e", ""),
        ("\ud800x", "x"),
    ],
)
def test_names_stay_on_their_line(given: str, kept: str) -> None:
    assert clean_name(given) == kept


REDIRECT_URI = "https://x.example/slack/oauth_redirect"
GRANT: dict[str, Any] = {"ok": True, "access_token": "xoxb-1", "team": {"id": "T1"}}


def slack(url: str) -> Slack:
    return Slack(SlackSettings(url, "1.1", Secret("secret"), (), REDIRECT_URI), utc_now)


def redeem(**fields: object) -> Grant:
    with scripted(Script([answer(200, json.dumps({**GRANT, **fields}).encode())])) as url:
        return slack(url).redeem(Secret("code"))


@pytest.mark.parametrize("seconds", [None, [], 0, 1e12, -5, float("inf"), "soon", "43200", [7]])
def test_a_life_that_makes_no_sense_counts_as_none(seconds: object) -> None:
    """And does not cost a customer the grant."""
    assert redeem(expires_in=seconds).expires_at is None


def test_a_life_is_counted_from_the_answer() -> None:
    grant = redeem(expires_in=43_200)
    assert grant.expires_at == grant.granted_at + timedelta(hours=12)


@pytest.mark.parametrize(("person", "known"), [({"id": "U1"}, "U1"), ({}, None), (None, None), ({"id": "a b"}, None)])
def test_who_installed_is_known_if_slack_says_so(person: object, known: str | None) -> None:
    assert redeem(authed_user=person).installer_id == known


@pytest.mark.parametrize("error", ["flux_capacitor_missing", "invalid_team", "unreadable", "<b>"])
def test_an_unheard_of_error_is_not_said_to_be_an_old_approval(error: str) -> None:
    script = Script([answer(200, json.dumps({"ok": False, "error": error}).encode())])
    with scripted(script) as url, pytest.raises(SlackRefused) as caught:
        slack(url).redeem(Secret("code"))
    assert caught.value.reason is Reason.SLACK_REFUSED


@pytest.mark.parametrize(
    ("error", "is_described", "reason"),
    [
        ("access_denied", True, Reason.DENIED_BY_PERSON),
        ("access_denied", False, Reason.NOT_PERMITTED),
        ("invalid_scope", False, Reason.SLACK_MISCONFIGURED),
        ("invalid_scope", True, Reason.SLACK_MISCONFIGURED),
        ("invalid_scope_requested", False, Reason.SLACK_MISCONFIGURED),
        ("no_bot_scopes_requested", False, Reason.SLACK_MISCONFIGURED),
        ("bad_redirect_uri", False, Reason.SLACK_MISCONFIGURED),
        ("invalid_client_id", False, Reason.SLACK_MISCONFIGURED),
        ("invalid_team_for_non_distributed_app", False, Reason.SLACK_MISCONFIGURED),
        ("unapproved_scope", False, Reason.SLACK_MISCONFIGURED),
        ("scope_not_allowed_on_enterprise", False, Reason.SLACK_MISCONFIGURED),
        ("unauthorized_client", False, Reason.SLACK_MISCONFIGURED),
        ("internal_error", False, Reason.SLACK_REFUSED),
        ("code_expired", False, Reason.SLACK_REFUSED),
        ("<b>", True, Reason.SLACK_REFUSED),
        ("", False, Reason.SLACK_REFUSED),
    ],
)
def test_why_slacks_page_sent_somebody_back(error: str, is_described: bool, reason: Reason) -> None:
    assert reason_of_return(error, is_described=is_described) is reason


def test_the_authorize_url_holds_what_slack_asks_for() -> None:
    settings = SlackSettings("https://slack.example", "1.1", Secret("secret"), ("chat:write", "im:read"), REDIRECT_URI)
    url = urlsplit(Slack(settings, utc_now).authorize_url(Secret("state-1")))
    assert f"{url.scheme}://{url.netloc}{url.path}" == "https://slack.example/oauth/v2/authorize"
    assert dict(parse_qsl(url.query)) == {
        "response_type": "code",
        "client_id": "1.1",
        "redirect_uri": REDIRECT_URI,
        "scope": "chat:write,im:read",
        "state": "state-1",
    }


def test_the_secret_goes_in_the_header_and_the_rest_in_the_body() -> None:
    script = Script([answer(200, json.dumps(GRANT).encode())])
    with scripted(script) as url:
        slack(url).redeem(Secret("4.6.a&b=c"))
    head, _, body = script.seen[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api/oauth.v2.access HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Basic MS4xOnNlY3JldA==\r\n" in head
    assert dict(parse_qsl(body.decode())) == {
        "grant_type": "authorization_code",
        "redirect_uri": REDIRECT_URI,
        "code": "4.6.a&b=c",
    }


def test_everybody_who_redeems_at_once_gets_their_own_token() -> None:
    """Each code has its own token, and the answers come back out of order."""
    with handing_out() as url:
        shared = slack(url)
        codes = [f"code-{number}" for number in range(320)]
        with ThreadPoolExecutor(32) as many:
            tokens = list(many.map(lambda code: shared.redeem(Secret(code)).bot_token.reveal(), codes))
    assert tokens == [f"xoxb-{code}" for code in codes]


@contextmanager
def handing_out() -> Iterator[str]:
    """A Slack that takes a moment, another one each time, and gives the token that belongs to the code."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            time.sleep(random.uniform(0, 0.02))
            body = json.dumps({**GRANT, "access_token": f"xoxb-{form['code']}"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("way", ["swallow", "reset"])
def test_a_code_is_redeemed_after_a_quiet_time(way: Way) -> None:
    """What lies between has forgotten the connection by then. One redeem each arrives."""
    script = Script([answer(200, json.dumps(GRANT).encode())], takes=100)
    with scripted(script) as direct:
        port = urlsplit(direct).port or 0
        front = socket.create_server(("127.0.0.1", 0))
        with relaying(front, lambda: socket.create_connection(("127.0.0.1", port)), 0.6, way) as relay:
            settings = SlackSettings(f"http://127.0.0.1:{relay.port}", "1.1", Secret("secret"), (), REDIRECT_URI)
            quiet = Slack(settings, utc_now, Http(trusted_for=0.3))
            for code in ("first", "second"):
                assert quiet.redeem(Secret(code)).workspace.id == "T1"
                time.sleep(0.9)
    assert [b"code=first" in seen for seen in script.seen] == [True, False]
    assert relay.forgotten == 0


LEAN = """
import sys
from onboarding.remote import novu, slack
print(*sorted(name for name in ("authlib", "flask", "joserfc") if name in sys.modules))
"""


def test_a_process_that_redeems_nothing_loads_no_authlib(tmp_path: Path) -> None:
    """Tried with the rooms alone: the package itself loads the whole service."""
    package = tmp_path / "onboarding"
    package.mkdir()
    (package / "__init__.py").touch()
    for room in ("remote", "clock", "model", "settings"):
        (package / room).symlink_to(Path(remote.__file__).parent.parent / room)
    command = [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{LEAN}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.stdout, done.stderr) == ("\n", "")
