"""docs/embed.md: each block, pasted into a program, does what the guide says, in both languages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
import requests
from standardwebhooks import Webhook

from tests.api.host import KEY
from tests.docs.guide import node_host, python_host, signed_in
from tests.fakes import LocalNovu, LocalSlack
from tests.hosting import NEW
from tests.service import Service, free_port, running
from tests.test_delivery import until, worker
from tests.test_processes import come_back

CUSTOMER = "subscriber-123"


@dataclass(frozen=True, slots=True)
class Site:
    service: Service
    host: str
    slack: LocalSlack

    def get(self, path: str, customer: str = CUSTOMER) -> requests.Response:
        cookies = signed_in(self.host, customer) if customer else {}
        return requests.get(f"{self.host}{path}", cookies=cookies, timeout=20, allow_redirects=False)

    def known(self) -> dict[str, object]:
        found: dict[str, object] = self.get("/slack/known").json()
        return found

    def hear(self, type_: str, sequence: int, secret: str = NEW, event_id: str = "evt_1") -> int:
        data = {"subscriberId": CUSTOMER, "sequence": sequence, "reconnectUrl": None}
        body = json.dumps({"type": type_, "data": data})
        at = datetime.now(UTC)
        headers = {
            "webhook-id": event_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret).sign(event_id, at, body),
        }
        return requests.post(f"{self.host}/webhooks/slack", body, headers=headers, timeout=20).status_code


@pytest.fixture(params=[python_host, node_host])
def site(
    request: pytest.FixtureRequest, env: dict[str, str], slack: LocalSlack, novu: LocalNovu, tmp_path: Path
) -> Iterator[Site]:
    port, host_port = free_port(), free_port()
    url, host = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{host_port}"
    ours = {
        **env,
        "PUBLIC_URL": url,
        "API_KEYS": KEY,
        "EMBED_ORIGINS": host,
        "WEBHOOK_URL": f"{host}/webhooks/slack",
        "WEBHOOK_SECRETS": NEW,
    }
    theirs = {"ONBOARDING_URL": url, "ONBOARDING_KEY": KEY, "WEBHOOK_SECRET": NEW}
    (folder := tmp_path / "host").mkdir()
    with ExitStack() as stack:
        service = stack.enter_context(running(ours, tmp_path / "web", port))
        stack.enter_context(worker(ours, tmp_path / "worker"))
        stack.enter_context(request.param(folder, theirs, host_port, url))
        yield Site(service, host, slack)


def test_a_customer_goes_the_whole_way(site: Site) -> None:
    assert site.get("/slack/connect", customer="").status_code == 401
    link = site.get("/slack/connect")
    assert link.status_code == 303
    assert link.headers["Location"].startswith(f"{site.service.url}/install/")
    status = {"Authorization": f"Bearer {site.get('/slack/status-token').json()['token']}"}
    address = f"{site.service.url}/embed/status"
    assert requests.get(address, headers=status, timeout=20).json()["state"] == "none"

    browser = requests.Session()
    page = browser.get(come_back(browser, link.headers["Location"], site.slack), timeout=30)
    assert "Acme HQ is connected" in page.text
    assert requests.get(address, headers=status, timeout=20).json()["workspace"] == {"name": "Acme HQ"}
    until(lambda: site.known().get("last") == "connection.connected", 15)

    back = page.text.split(f'href="{site.host}/slack/return?')[1].split('"')[0].replace("&amp;", "&")
    assert dict(parse_qsl(back))["status"] == "connected"
    assert site.get(f"/slack/return?{back}").text == "Acme HQ is connected."
    assert site.get(f"/slack/return?{back}", customer="somebody-else").status_code == 404
    for made_up in ("", "?status=connected", "?status=connected&attempt=../../livez", "?attempt=%00"):
        assert site.get(f"/slack/return{made_up}").status_code == 404


def test_only_signed_events_count_and_only_newer_ones(site: Site) -> None:
    other = "whsec_" + "b" * 32
    assert site.hear("connection.broken", 5, secret=other) == 401
    assert site.known() == {}
    assert site.hear("connection.broken", 5) == 204
    assert site.hear("connection.connected", 4, event_id="evt_2") == 204
    assert site.hear("connection.recovered", 6) == 204  # Known already: the same id as the first.
    assert (site.known()["sequence"], site.known()["last"]) == (5, "connection.broken")
