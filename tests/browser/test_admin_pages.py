"""Every page of the admin with names as long as they may be: it fits every screen, and everybody can read it."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from onboarding.wiring import Wiring
from tests.aging import Database
from tests.browser.visitor import Visitor
from tests.conftest import MintLink
from tests.fakes import LocalNovu, LocalSlack
from tests.service import Service

WIDTHS = (320, 390, 768, 1024, 1280)
NAME = "W" * 200
CONTEXT = "c" * 100
SUBSCRIBER = "subscriber-" + "s" * 114


@pytest.fixture
def pages(
    operator: Visitor,
    stranger: Visitor,
    mint: MintLink,
    novu: LocalNovu,
    slack: LocalSlack,
    wiring: Wiring,
    ledger_db: Database,
) -> list[str]:
    """The paths of all pages, which have something to show: what works, what needs somebody, and what is broken."""
    novu.state.environment.add_subscriber(SUBSCRIBER)
    fields = {"subscriberId": SUBSCRIBER, "account": NAME, "context": {"tenant": CONTEXT}}
    stranger.install(mint(**fields))
    stranger.page.wait_for_url("**/attempts/*")
    connected = stranger.page.url.rpartition("/")[2]
    novu.suffer("unauthorized")
    stranger.install(mint(**{**fields, "context": {"tenant": "other"}}))
    stranger.page.wait_for_url("**/attempts/*")
    failed = stranger.page.url.rpartition("/")[2]
    novu.suffer("none")
    link = wiring.minting.mint({**fields, "integrationIdentifier": "slack-prod"}, None)
    wiring.minting.record(link, "somebody-" + "o" * 60)
    ledger_db.execute("UPDATE connection SET state = 'broken', reason = 'token_revoked', workspace_name = %s", [NAME])
    ledger_db.execute("UPDATE attempt SET workspace_name = %s WHERE workspace_name IS NOT NULL", [NAME])
    [connection] = ledger_db.execute("SELECT owner, identifier FROM connection").fetchall()
    event = ledger_db.execute("SELECT id FROM event ORDER BY at LIMIT 1").fetchone()
    assert event
    return [
        "",
        "?days=7",
        "/attempts",
        "/attempts?status=waiting&reason=novu_unauthorized",
        f"/attempts/{connected}",
        f"/attempts/{failed}",
        f"/attempts?q={'W' * 20}",
        "/connections",
        "/connections?state=broken",
        f"/connections/{connection['identifier']}",
        f"/customers/{connection['owner']}",
        f"/links?link={link.id}",
        "/links?new=1",
        "/events",
        f"/events/{event['id']}",
        "/audit",
    ]


def test_no_page_is_wider_than_its_screen_and_all_can_be_read(
    operator: Visitor, pages: list[str], service: Service
) -> None:
    page = operator.page
    wide, unreadable, tall = [], [], []
    for path in pages:
        operator.open(f"{service.url}/admin{path}")
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            found = page.evaluate("document.documentElement.scrollWidth")
            wide += [(path, width, found)] if found > width else []
        heights = page.locator("table.card tbody tr").evaluate_all("rows => rows.map(each => each.offsetHeight)")
        tall += [(path, heights)] if any(height > 45 for height in heights) else []
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            judged = Axe().run(page)
            unreadable += [(path, theme, judged.generate_report())] if judged.violations_count else []
    assert wide == []
    assert tall == [], "a row takes more than one line at 1280 px"
    assert unreadable == []


def test_what_takes_long_says_that_it_is_going_on(operator: Visitor, service: Service) -> None:
    operator.open(f"{service.url}/admin/links?new=1")
    operator.page.evaluate("document.addEventListener('submit', event => event.preventDefault())")
    operator.page.get_by_label("Subscriber").fill("subscriber-123")
    operator.page.get_by_role("button", name="Create link").click()
    button = operator.page.get_by_role("button", name="Creating…")
    expect(button).to_have_attribute("aria-busy", "true")


def test_the_filter_form_leaves_a_clean_address(operator: Visitor, service: Service) -> None:
    operator.open(f"{service.url}/admin/attempts")
    operator.page.locator(".filters summary").click()
    operator.page.get_by_label("Status", exact=True).select_option("failed")
    operator.page.get_by_role("button", name="Apply").click()
    expect(operator.page).to_have_url(f"{service.url}/admin/attempts?status=failed")
