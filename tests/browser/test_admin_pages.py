"""Every page of the admin with names as long as they may be: it fits screens and paper, and everybody can read it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, expect

from onboarding.model import Reason
from onboarding.wiring import Wiring
from tests.aging import Database
from tests.browser.visitor import Visitor, go
from tests.conftest import MintLink
from tests.fakes import LocalNovu, LocalSlack
from tests.service import Service

WIDTHS = (320, 390, 768, 1024, 1280)
PAPER = 718
"""A4 with the margins that browsers leave, in CSS pixels."""
NAME = "W" * 200
ARABIC = "شركة الاتصالات والتقنية المتقدمة " * 6
CONTEXT = "c" * 100
SUBSCRIBER = "subscriber-" + "s" * 114
EVERY_REASON = """
INSERT INTO attempt SELECT made.* FROM attempt a, unnest(%(reasons)s::text[]) WITH ORDINALITY AS each (word, n),
    jsonb_populate_record(a, jsonb_build_object('id', lpad(n::text, 22, '0'), 'reason', word, 'owner', owner || n,
        'link', jsonb_set(link::jsonb, '{account}', to_jsonb(%(account)s::text))::text)) AS made
WHERE a.id = %(failed)s
"""
CLIPPED = """() => [...document.querySelectorAll("main :is(td, th, dd, p, bdi, code, a, h1, h2, h3, summary)")]
    .filter(each => each.checkVisibility() && !each.closest(".unseen"))
    .filter(each => getComputedStyle(each).overflowX !== "visible" && each.scrollWidth > each.clientWidth + 1)
    .map(each => each.outerHTML)"""
WITHOUT_BEGINNING = """() => [...document.querySelectorAll(".rows bdi, .who bdi")].filter(each => {
    const first = document.createRange(), box = (each.closest("td") ?? each).getBoundingClientRect();
    if (!each.checkVisibility() || !each.firstChild) return false;
    first.setStart(each.firstChild, 0);
    first.setEnd(each.firstChild, 1);
    const seen = first.getBoundingClientRect();
    return seen.left < box.left - 1 || seen.right > box.right + 1;
}).map(each => each.textContent)"""
FOCUSED = """() => {
    const on = document.activeElement, style = getComputedStyle(on), box = on.getBoundingClientRect();
    if (on === document.body) return null;
    const ring = style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth);
    return {name: on.innerText || on.name, top: box.top + scrollY, ring, inHeader: Boolean(on.closest(".bar"))};
}"""


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
    reasons = {"reasons": [*Reason], "account": ARABIC, "failed": failed}
    ledger_db.execute(EVERY_REASON, reasons)
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
        "/audit?action=minted",
        f"/attempts?q={'x' * 200}",
        "/nothing",
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


def test_names_that_are_too_long_show_their_beginning(operator: Visitor, pages: list[str], service: Service) -> None:
    page, found = operator.page, []
    for path in pages:
        operator.open(f"{service.url}/admin{path}")
        for width in (320, 768, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            found += [(path, width, name) for name in page.evaluate(WITHOUT_BEGINNING)]
    assert found == []


def test_paper_shows_everything_there_is_to_read_and_nothing_to_press(
    operator: Visitor, pages: list[str], service: Service
) -> None:
    page = operator.page
    page.set_viewport_size({"width": PAPER, "height": 1000})
    page.emulate_media(media="print", color_scheme="dark")
    for path in pages:
        operator.open(f"{service.url}/admin{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= PAPER, path
        assert page.evaluate(CLIPPED) == [], path
        assert page.locator("header, button, .button, input, select").locator("visible=true").all() == [], path
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(246, 246, 248)", "not dark"
    operator.open(f"{service.url}/admin")
    bars = page.locator("svg .filled")
    assert bars.count() > 1
    assert all(bar.is_visible() for bar in bars.all())
    assert page.get_by_role("heading", name="Subscriber unknown").is_visible(), "what is folded on a screen"


def test_with_colours_of_ones_own_statuses_tabs_and_focus_can_be_told_apart(
    operator: Visitor, pages: list[str], service: Service
) -> None:
    page = operator.page
    page.emulate_media(forced_colors="active")
    marks = set()
    for path in pages:
        operator.open(f"{service.url}/admin{path}")
        for mark in page.locator(".mark").locator("visible=true").all():
            sign, _, word = mark.inner_text().replace("\n", " ").partition(" ")
            marks.add((sign, word.strip()))
            assert mark.evaluate("each => getComputedStyle(each).borderTopWidth") == "1px"
        for here in page.locator("nav [aria-current]").all():
            others = here.locator("xpath=../*[not(@aria-current)]").first
            assert _border(here) != _border(others), path
    words = [word for _, word in marks]
    assert len(words) == len(set(words)) > 5
    assert all(sign in "✓!…–▲?" and word for sign, word in marks)


def _border(of: Locator) -> str:
    found: str = of.evaluate("each => getComputedStyle(each).border")
    return found


def test_the_keyboard_walks_down_the_page_and_shows_where_it_is(
    operator: Visitor, pages: list[str], service: Service
) -> None:
    page = operator.page
    for width in (390, 768, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(forced_colors="active" if width == 768 else "none")
        operator.open(f"{service.url}/admin")
        walk = []
        for _ in range(18):
            page.keyboard.press("Tab")
            walk.append(page.evaluate(FOCUSED))
        assert all(step["ring"] >= 2 for step in walk), walk
        header = [step["top"] for step in walk if step["inHeader"]]
        assert all(after > before - 12 for before, after in pairwise(header)), walk
        assert len(header) < len(walk) - 3


@pytest.mark.parametrize("tab", ["Overview", "Links", "Audit log"])
def test_the_tab_of_a_page_is_in_sight_on_a_small_screen(operator: Visitor, service: Service, tab: str) -> None:
    operator.page.set_viewport_size({"width": 320, "height": 640})
    go(operator, tab)
    expect(operator.page.locator(".bar [aria-current]")).to_be_in_viewport(ratio=0.99)


def test_a_product_with_a_long_name_leaves_room_to_search(operator: Visitor) -> None:
    page = operator.page
    page.evaluate("document.querySelector('.brand bdi').textContent = 'Sprocket Worldwide '.repeat(6)")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.get_by_role("searchbox").evaluate("each => each.offsetWidth") >= 96, width
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_bars_of_the_funnel_have_one_scale(operator: Visitor, pages: list[str], service: Service) -> None:
    operator.open(f"{service.url}/admin")
    operator.page.evaluate("document.querySelector('.funnel .value').textContent = '1234567 · 100%'")
    for width in WIDTHS:
        operator.page.set_viewport_size({"width": width, "height": 800})
        widths = operator.page.locator("svg.share").evaluate_all(
            "bars => bars.map(e => e.getBoundingClientRect().width)"
        )
        assert len(widths) == 4
        assert max(widths) - min(widths) < 1, width


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
