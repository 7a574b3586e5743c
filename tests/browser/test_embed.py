"""The element in the pages of a product: of another origin, with the strictest policies, and with people in a hurry."""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta

import psycopg
import pytest
import requests
from playwright.sync_api import Browser, Page, Route, expect
from psycopg.rows import DictRow

from onboarding.ephemeral.limits import STATUS_READS
from onboarding.settings import environment
from onboarding.wiring import Wiring, wire
from tests.browser.embedding import Onlooker, Product, embedding
from tests.browser.visitor import Visitor
from tests.conftest import MintLink
from tests.fakes import LocalNovu, LocalSlack
from tests.service import Service, free_port, running
from tests.witness import Witness

OWNER = {"subscriberId": "subscriber-123"}
STEP = 2.0
"""Seconds between two questions while somebody waits."""
Tokens = Callable[..., str]


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    with embedding() as product:
        yield product


@pytest.fixture(autouse=True)
def as_at_first(product: Product) -> None:
    product.head, product.attributes = "", 'lang="en"'


@pytest.fixture(scope="module")
def service(
    base_env: dict[str, str], product: Product, tmp_path_factory: pytest.TempPathFactory, witness: Witness
) -> Iterator[Service]:
    """One that the product's pages may ask."""
    port, log = free_port(), tmp_path_factory.mktemp("embedded") / "log"
    ours = {"EMBED_ORIGINS": product.url.removesuffix("/settings"), "PUBLIC_URL": f"http://127.0.0.1:{port}"}
    with running({**base_env, **ours}, log, port) as service:
        product.service = service.url
        yield service
    witness.saw(log.read_text("utf-8"))


@pytest.fixture
def wiring(env: dict[str, str], service: Service) -> Iterator[Wiring]:
    with closing(wire(environment.load({**env, "PUBLIC_URL": service.url}))) as wiring:
        yield wiring


@pytest.fixture
def token(wiring: Wiring, witness: Witness) -> Tokens:
    def make(life: timedelta = timedelta(hours=1), subscriber: str = "subscriber-123") -> str:
        owner = wiring.links.mint({"subscriberId": subscriber}, None, wiring.clock()).owner
        made = wiring.status_tokens.issue(owner, wiring.clock() + life).reveal()
        witness.secrets.add(made)
        return made

    return make


@pytest.fixture
def onlooker(page: Page, product: Product, service: Service) -> Iterator[Onlooker]:
    onlooker = Onlooker(page, product)
    yield onlooker
    onlooker.has_no_complaints()


@pytest.fixture
def customer(browser: Browser, witness: Witness) -> Iterator[Visitor]:
    """Connects Slack in a browser of their own."""
    with browser.new_context() as context:
        yield Visitor(context.new_page(), witness)


def element(token: str = "", link: str = "", more: str = "", inside: str = "") -> str:
    given = {"status-token": token, "link-url": link}
    attributes = " ".join(f'{name}="{html.escape(value)}"' for name, value in given.items() if value)
    return f"<slack-connect {attributes} {more}>{inside}</slack-connect>"


def check(wiring: Wiring, novu: LocalNovu) -> None:
    found = wiring.ledger.connections.find(novu.state.connections[0].identifier)
    assert found
    wiring.check.run(found)


def test_from_the_click_to_connected_on_the_strictest_page(
    onlooker: Onlooker, mint: MintLink, token: Tokens, service: Service, witness: Witness
) -> None:
    """The script is there twice, once by its hash; two elements are, and what the one sees the other does."""
    told = requests.get(f"{service.url}/embed/v1.json", timeout=5).json()
    onlooker.product.head = (
        f'<script type="module" src="{told["url"]}" integrity="{told["integrity"]}" crossorigin="anonymous"></script>'
    )
    made, link = token(), mint()
    onlooker.open(element(made, link, "id=one") + element(made, link, "id=two"))
    onlooker.shows("Add to Slack")
    with onlooker.page.expect_popup() as opened:
        onlooker.button.click()
    customer = Visitor(opened.value, witness)
    expect(customer.page.locator("h1")).to_have_text("Connect Acme Inc. to Slack")
    assert customer.page.evaluate("[window.opener, document.referrer]") == [None, ""]
    assert customer.page.url == link
    customer.page.get_by_role("button", name="Add to Slack").click()
    onlooker.shows("Add to Slack", "Connecting to Slack…")
    customer.allow()
    onlooker.shows(None, "Connected to Acme HQ")
    expect(onlooker.page.locator("#two").get_by_role("status")).to_have_text("Connected to Acme HQ")
    for id_ in ("one", "two"):
        assert onlooker.states(id_) == ["none", "pending", "working"]
        detail = onlooker.heard(id_)[-1][1]
        assert detail == {
            "state": "working",
            "workspace": {"name": "Acme HQ"},
            "reason": None,
            "attemptId": customer.page.url.rpartition("/")[2],
        }
    assert set(onlooker.calls) == {200}
    assert onlooker.page.evaluate("document.querySelector('#one').status.state") == "working"


def test_two_elements_of_one_owner_ask_once(onlooker: Onlooker, mint: MintLink, token: Tokens) -> None:
    made = token()
    onlooker.open(element(made, mint()) * 4)
    onlooker.page.wait_for_timeout(3 * STEP * 1000)
    assert len(onlooker.calls) <= 6


@pytest.mark.parametrize(
    ("outcome", "button", "said", "state", "reason"),
    [
        ("not_permitted", "Add to Slack", "Waiting for approval", "awaiting_approval", "not_permitted"),
        ("cancel", "Add to Slack", "", "none", "denied_by_person"),
        ("fewer_scopes", "Add to Slack", "", "none", "scopes_missing"),
    ],
)
def test_what_came_of_it_is_shown(
    onlooker: Onlooker,
    customer: Visitor,
    mint: MintLink,
    token: Tokens,
    outcome: str,
    button: str,
    said: str,
    state: str,
    reason: str,
) -> None:
    onlooker.open(element(token(), mint()))
    onlooker.shows("Add to Slack")
    customer.add_to_slack(mint())
    if outcome == "cancel":
        customer.cancel()
    else:
        customer.allow(outcome)
    customer.page.wait_for_url("**/attempts/*")
    onlooker.until(f"heard.at(-1)[1].reason === '{reason}'")
    onlooker.shows(button, said)
    assert onlooker.heard()[-1][1]["state"] == state


def test_what_broke_can_be_healed(
    onlooker: Onlooker,
    customer: Visitor,
    mint: MintLink,
    token: Tokens,
    slack: LocalSlack,
    novu: LocalNovu,
    wiring: Wiring,
) -> None:
    customer.install(mint())
    customer.page.wait_for_url("**/attempts/*")
    onlooker.open(element(token(), mint()))
    onlooker.shows(None, "Connected to Acme HQ")
    slack.state.faults.set("auth.test", "error", 1, error="account_inactive")
    check(wiring, novu)
    onlooker.look(is_looking=True)
    onlooker.shows("Reconnect", "No longer connected to Acme HQ")
    onlooker.judge("embed-broken")
    customer.open(mint())
    customer.page.get_by_role("button", name="Add to Slack").click()
    customer.allow()
    customer.page.wait_for_url("**/attempts/*")
    onlooker.shows(None, "Connected to Acme HQ")
    assert [onlooker.states()[0], *onlooker.states()[-1:]] == ["working", "working"]
    assert "broken" in onlooker.states()


def test_what_was_ended_can_be_connected_again(
    onlooker: Onlooker, customer: Visitor, mint: MintLink, token: Tokens, novu: LocalNovu, wiring: Wiring
) -> None:
    customer.install(mint())
    customer.page.wait_for_url("**/attempts/*")
    onlooker.open(element(token(), mint()))
    onlooker.shows(None, "Connected to Acme HQ")
    wiring.upkeep.disconnect(novu.state.connections[0].identifier, revokes=False)
    onlooker.look(is_looking=True)
    onlooker.shows("Add to Slack")
    assert onlooker.heard()[-1][1]["reason"] == "disconnected"


def test_a_token_that_expired_is_told_and_a_new_one_goes_on(onlooker: Onlooker, mint: MintLink, token: Tokens) -> None:
    onlooker.open(element(token(timedelta(seconds=5)), mint()))
    onlooker.shows("Add to Slack")
    onlooker.until("heard.at(-1)?.[0] === 'expired'")
    asked = len(onlooker.calls)
    onlooker.look(is_looking=True)
    onlooker.page.wait_for_timeout(2 * STEP * 1000)
    assert onlooker.calls[-1] == 401
    assert len(onlooker.calls) == asked, "nobody asks with it again"
    onlooker.shows("Add to Slack")
    onlooker.set("status-token", token())
    onlooker.until("heard.at(-1)?.[0] === 'change'")
    assert onlooker.calls[asked:] == [200]
    assert [name for name, _ in onlooker.heard()] == ["change", "expired", "change"]
    assert onlooker.states() == ["none", "none"], "the new token may be another owner's"


@pytest.mark.parametrize("forged", ["x", "gAAAAA" + "A" * 100])
def test_a_forged_token_tells_nothing(onlooker: Onlooker, mint: MintLink, forged: str) -> None:
    onlooker.open(element(forged, mint()))
    onlooker.until("heard.at(-1)?.[0] === 'expired'")
    onlooker.shows("Add to Slack")
    assert onlooker.calls == [401]


def test_another_owners_token_shows_nothing_of_this_one(
    onlooker: Onlooker, customer: Visitor, mint: MintLink, token: Tokens
) -> None:
    customer.install(mint())
    customer.page.wait_for_url("**/attempts/*")
    onlooker.open(element(token(), mint()))
    onlooker.shows(None, "Connected to Acme HQ")
    onlooker.set("status-token", token(subscriber="another"))
    onlooker.shows("Add to Slack")
    assert onlooker.states() == ["working", "none"]


def test_an_owner_who_stands_as_the_one_before_is_told_of_too(
    onlooker: Onlooker, mint: MintLink, token: Tokens
) -> None:
    onlooker.open(element(token(), mint()))
    onlooker.shows("Add to Slack")
    onlooker.set("status-token", token(subscriber="another"))
    onlooker.until("heard.length === 2")
    assert onlooker.states() == ["none", "none"]


@pytest.mark.parametrize("now", ["another", None])
def test_a_token_that_changes_while_the_element_is_away_leaves_nothing_of_the_owner_before(
    onlooker: Onlooker, customer: Visitor, mint: MintLink, token: Tokens, now: str | None
) -> None:
    customer.install(mint())
    customer.page.wait_for_url("**/attempts/*")
    onlooker.open(element(token(), mint()))
    onlooker.shows(None, "Connected to Acme HQ")
    onlooker.page.evaluate(
        """token => {
            window.kept = document.querySelector("slack-connect");
            kept.remove();
            if (token) kept.statusToken = token; else kept.removeAttribute("status-token");
            window.left = kept.status;
            document.querySelector("main").append(kept);
            window.shown = kept.shadowRoot.textContent;
        }""",
        now and token(subscriber=now),
    )
    assert onlooker.page.evaluate("left") is None
    assert "Acme HQ" not in onlooker.page.evaluate("shown")
    onlooker.shows("Add to Slack")


def test_whoever_asks_too_often_waits_as_long_as_told(
    onlooker: Onlooker, mint: MintLink, token: Tokens, service: Service
) -> None:
    made = token()
    for _ in range(STATUS_READS.a_minute):
        requests.get(f"{service.url}/embed/status", headers={"Authorization": f"Bearer {made}"}, timeout=5)
    onlooker.open(element(made, mint()))
    onlooker.page.wait_for_timeout(2 * STEP * 1000)
    onlooker.look(is_looking=True)
    onlooker.page.wait_for_timeout(STEP * 1000)
    assert onlooker.calls == [429]
    onlooker.shows("Add to Slack")


def test_offline_for_a_moment_is_no_matter(
    onlooker: Onlooker, customer: Visitor, mint: MintLink, token: Tokens
) -> None:
    onlooker.open(element(token(), mint()))
    onlooker.shows("Add to Slack")
    onlooker.page.context.set_offline(True)
    customer.install(mint())
    customer.page.wait_for_url("**/attempts/*")
    onlooker.page.wait_for_timeout(STEP * 1000)
    onlooker.shows("Add to Slack")
    onlooker.page.context.set_offline(False)
    onlooker.shows(None, "Connected to Acme HQ")


def test_nobody_is_asked_while_nobody_looks_and_at_once_when_somebody_does(
    onlooker: Onlooker, mint: MintLink, token: Tokens
) -> None:
    onlooker.open(element(token(), mint()))
    onlooker.shows("Add to Slack")
    onlooker.look(is_looking=False)
    onlooker.page.wait_for_timeout(500)
    asked = len(onlooker.calls)
    onlooker.page.wait_for_timeout(2 * STEP * 1000)
    assert len(onlooker.calls) == asked
    with onlooker.page.expect_response("**/embed/status", timeout=STEP * 1000 * 3):
        onlooker.look(is_looking=True)
    assert len(onlooker.calls) == asked + 1


def test_it_asks_less_often_with_time_and_often_again_after_a_click(
    onlooker: Onlooker, mint: MintLink, token: Tokens
) -> None:
    onlooker.page.clock.install()
    onlooker.open(element(token(), mint()))
    onlooker.shows("Add to Slack")
    onlooker.page.clock.fast_forward(6 * 60 * 1000)
    onlooker.page.wait_for_timeout(500)
    asked = len(onlooker.calls)
    onlooker.page.wait_for_timeout(3 * STEP * 1000)
    assert len(onlooker.calls) == asked
    onlooker.button.click()
    for _ in range(2):
        onlooker.page.wait_for_event(
            "response", lambda answer: answer.url.endswith("/embed/status"), timeout=STEP * 4000
        )
    assert len(onlooker.calls) >= asked + 2


def test_one_that_is_removed_asks_no_more_and_goes_on_when_it_is_back(
    onlooker: Onlooker, mint: MintLink, token: Tokens
) -> None:
    onlooker.open(element(token(), mint()))
    onlooker.page.evaluate("window.kept = document.querySelector('slack-connect'); kept.remove()")
    onlooker.page.wait_for_timeout(500)
    asked = len(onlooker.calls)
    onlooker.page.wait_for_timeout(2 * STEP * 1000)
    assert len(onlooker.calls) == asked
    onlooker.page.evaluate("document.querySelector('main').append(kept)")
    onlooker.shows("Add to Slack")
    onlooker.until("heard.length === 1")
    assert len(onlooker.calls) == asked + 1
    assert onlooker.states() == ["none"]


def test_without_attributes_it_is_empty_and_asks_nobody(onlooker: Onlooker) -> None:
    onlooker.open(element())
    onlooker.page.wait_for_timeout(STEP * 1000)
    onlooker.shows(None)
    assert onlooker.calls == []
    assert onlooker.heard() == []


def test_without_a_token_it_is_a_button(onlooker: Onlooker, mint: MintLink) -> None:
    link = mint()
    onlooker.open(element(link=link))
    onlooker.shows("Add to Slack")
    assert (onlooker.button.get_attribute("href"), onlooker.button.get_attribute("target")) == (link, "_blank")
    assert onlooker.button.get_attribute("rel") == "noopener"
    assert onlooker.calls == []


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        " java\tscript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "blob:https://app.example.com/x",
        "file:///etc/passwd",
        "http://app.example.com/connect",
        "http://127.0.0.1.example.com/",
        "http://localhost.example.com/",
        "slack://open",
        "https://",
    ],
)
def test_a_link_that_nobody_should_follow_is_no_link(onlooker: Onlooker, mint: MintLink, link: str) -> None:
    onlooker.open(element(link=mint()))
    onlooker.shows("Add to Slack")
    onlooker.set("link-url", link)
    onlooker.shows(None)
    assert onlooker.page.evaluate("document.querySelector('slack-connect').shadowRoot.querySelector('[href]')") is None


@pytest.mark.parametrize("link", ["https://app.example.com/connect?x=1#y", "http://localhost:3000/", "http://[::1]/"])
def test_a_link_to_a_safe_place_is_followed_as_it_is(onlooker: Onlooker, link: str) -> None:
    onlooker.open(element(link=link))
    assert onlooker.button.get_attribute("href") == link


def test_a_route_of_the_product_will_do(onlooker: Onlooker) -> None:
    onlooker.open(element(link="/connect-slack"))
    origin = onlooker.product.url.removesuffix("/settings")
    assert onlooker.button.get_attribute("href") == f"{origin}/connect-slack"


def test_a_product_says_it_in_its_own_words(
    onlooker: Onlooker, customer: Visitor, mint: MintLink, token: Tokens
) -> None:
    onlooker.product.attributes = 'lang="de"'
    words = 'add-text="Zu Slack hinzufügen" connected-text="Verbunden mit {workspace}."'
    onlooker.open(element(token(), mint(), words))
    onlooker.shows("Zu Slack hinzufügen")
    onlooker.set("add-text", None)
    onlooker.shows("Add to Slack")
    assert onlooker.button.locator("slot").get_attribute("lang") == "en", "these words are in English on any page"
    customer.install(mint())
    customer.page.wait_for_url("**/attempts/*")
    onlooker.shows(None, "Verbunden mit Acme HQ.")
    assert onlooker.said.locator("slot").get_attribute("lang") is None


def test_a_product_puts_its_own_markup_in(onlooker: Onlooker, mint: MintLink) -> None:
    onlooker.open(element(link=mint(), inside="<b slot=add>Slack, please</b>"))
    expect(onlooker.page.get_by_role("link", name="Slack, please")).to_be_visible()


def test_a_workspace_may_be_called_anything(
    onlooker: Onlooker, customer: Visitor, mint: MintLink, token: Tokens, ledger_db: psycopg.Connection[DictRow]
) -> None:
    name = "<img src=x onerror=alert(1)> {workspace} שלום"
    customer.install(mint())
    customer.page.wait_for_url("**/attempts/*")
    ledger_db.execute("UPDATE connection SET workspace_name = %s", [name])
    onlooker.open(element(token(), mint()))
    onlooker.shows(None, f"Connected to {name}")
    assert onlooker.said.locator("bdi").inner_text() == name


def test_it_is_for_everybody(onlooker: Onlooker, customer: Visitor, mint: MintLink, token: Tokens) -> None:
    onlooker.product.head = '<meta name="color-scheme" content="light dark">'
    onlooker.open(element(token(), mint()))
    onlooker.shows("Add to Slack")
    onlooker.judge("embed-add")
    onlooker.page.set_viewport_size({"width": 1000, "height": 600})
    customer.install(mint())
    customer.page.wait_for_url("**/attempts/*")
    onlooker.shows(None, "Connected to Acme HQ")
    onlooker.judge("embed-connected")


def test_it_reads_from_right_to_left(onlooker: Onlooker, mint: MintLink, token: Tokens, customer: Visitor) -> None:
    onlooker.product.attributes = 'lang="he" dir="rtl"'
    customer.install(mint(), "not_permitted")
    customer.page.wait_for_url("**/attempts/*")
    onlooker.open(element(token(), mint(), 'add-text="הוספה ל-Slack" waiting-text="ממתין לאישור"'))
    onlooker.shows("הוספה ל-Slack", "ממתין לאישור")
    button, said, icon = (
        each.bounding_box() for each in (onlooker.button, onlooker.said, onlooker.element.locator("svg"))
    )
    assert button
    assert said
    assert icon
    assert said["x"] < button["x"]
    assert icon["x"] > button["x"] + button["width"] / 2
    onlooker.judge("embed-rtl")


def test_it_keeps_to_forced_colours_and_to_a_wish_for_less_motion(
    onlooker: Onlooker, customer: Visitor, mint: MintLink, token: Tokens
) -> None:
    customer.add_to_slack(mint())
    onlooker.page.emulate_media(forced_colors="active", reduced_motion="reduce")
    onlooker.open(element(token(), mint()))
    onlooker.shows("Add to Slack", "Connecting to Slack…")
    style = "each => [getComputedStyle(each).borderTopColor, getComputedStyle(each).color]"
    border, text = onlooker.button.evaluate(style)
    assert border == text
    assert onlooker.element.locator("svg").evaluate("each => getComputedStyle(each).animationName") == "none"
    onlooker.page.emulate_media(forced_colors="none", reduced_motion="no-preference")
    assert onlooker.element.locator("svg").evaluate("each => getComputedStyle(each).animationName") == "pulse"


def test_a_product_themes_it(onlooker: Onlooker, mint: MintLink) -> None:
    onlooker.open(element(link=mint()))
    onlooker.page.evaluate("""() => {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(`slack-connect { --slack-connect-background: rgb(1, 2, 3); --slack-connect-color: white }
            slack-connect::part(button) { text-transform: uppercase }`);
        document.adoptedStyleSheets = [sheet];
    }""")
    seen = onlooker.button.evaluate(
        "each => [getComputedStyle(each).backgroundColor, getComputedStyle(each).textTransform]"
    )
    assert seen == ["rgb(1, 2, 3)", "uppercase"]
    onlooker.page.evaluate("document.querySelector('slack-connect').hidden = true")
    expect(onlooker.element).to_be_hidden()


def test_it_is_reached_and_opened_by_keyboard_and_keeps_the_focus(
    onlooker: Onlooker, customer: Visitor, mint: MintLink, token: Tokens
) -> None:
    onlooker.open(element(token(), mint()))
    onlooker.shows("Add to Slack")
    onlooker.page.keyboard.press("Tab")
    expect(onlooker.button).to_be_focused()
    assert onlooker.button.evaluate("each => getComputedStyle(each).outlineStyle") == "solid"
    with onlooker.page.expect_popup() as opened:
        onlooker.page.keyboard.press("Enter")
    opened.value.close()
    customer.install(mint())
    customer.page.wait_for_url("**/attempts/*")
    onlooker.shows(None, "Connected to Acme HQ")
    expect(onlooker.said).to_be_focused()


def test_a_framework_may_set_properties_before_the_script_is_there(
    onlooker: Onlooker, mint: MintLink, token: Tokens
) -> None:
    page, link, held = onlooker.page, mint(), list[Route]()

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/embed/v1.js", hold)
    onlooker.product.body = element()
    page.goto(onlooker.product.url, wait_until="commit")
    page.locator("slack-connect").wait_for(state="attached")
    page.evaluate(
        """([statusToken, linkUrl]) => {
            Object.assign(document.querySelector("slack-connect"), { statusToken, linkUrl });
        }""",
        [token(), link],
    )
    held[0].continue_()
    onlooker.shows("Add to Slack")
    assert onlooker.element.get_attribute("link-url") == link
    page.evaluate("document.querySelector('slack-connect').linkUrl = null")
    onlooker.shows(None)


def test_a_page_of_another_origin_learns_nothing_and_has_its_button(
    onlooker: Onlooker, customer: Visitor, mint: MintLink, token: Tokens
) -> None:
    customer.install(mint())
    customer.page.wait_for_url("**/attempts/*")
    onlooker.open(element(token(), mint()), onlooker.product.url.replace("127.0.0.1", "localhost"))
    onlooker.shows("Add to Slack")
    onlooker.page.wait_for_timeout(STEP * 1000)
    onlooker.shows("Add to Slack")
    assert onlooker.heard() == []


def test_a_script_that_was_tampered_with_does_not_run(onlooker: Onlooker, service: Service, mint: MintLink) -> None:
    told = requests.get(f"{service.url}/embed/v1.json", timeout=5).json()
    product, page = onlooker.product, onlooker.page
    product.body = element(link=mint())
    page.route("**/embed/v1.js", lambda route: route.abort())
    page.route(
        told["url"],
        lambda route: route.fulfill(
            body="window.ran = true",
            headers={
                "Content-Type": "text/javascript",
                "Access-Control-Allow-Origin": "*",
                "Cross-Origin-Resource-Policy": "cross-origin",
            },
        ),
    )
    product.head = (
        f'<script type="module" src="{told["url"]}" integrity="{told["integrity"]}" crossorigin="anonymous"></script>'
    )
    page.goto(product.url)
    time.sleep(0.5)
    assert page.evaluate("[window.ran, customElements.get('slack-connect')]") == [None, None]
