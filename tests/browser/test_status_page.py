"""Operators in front of the status page: who is stuck and why, and what to do about it, without a terminal."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
import redis
from playwright.sync_api import Browser, expect

from onboarding.clock import utc_now
from onboarding.wiring import Wiring
from tests.admin.operator import PASSWORD
from tests.aging import Database
from tests.browser.visitor import Visitor, go
from tests.conftest import MintLink
from tests.fakes import LocalNovu, LocalSlack
from tests.service import Service
from tests.witness import Witness


def rows(somebody: Visitor) -> list[str]:
    return [row.inner_text() for row in somebody.page.locator("tbody tr").all()]


def fail(customer: Visitor, novu: LocalNovu, link: str, failure: str = "unauthorized") -> None:
    novu.suffer(failure)
    customer.install(link)
    customer.page.wait_for_url("**/attempts/*")
    novu.suffer("none")


def test_signing_in_needs_a_keyboard_only(visitor: Visitor, service: Service) -> None:
    visitor.open(f"{service.url}/admin/attempts?status=failed")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Sign in")
    visitor.look("status-sign-in")
    password = visitor.page.get_by_label("Password")
    while not password.evaluate("each => each === document.activeElement"):
        visitor.page.keyboard.press("Tab")
    visitor.page.keyboard.type("wrong password")
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_role("alert")).to_contain_text("That is not the password")
    visitor.look("status-wrong-password")
    visitor.page.get_by_label("Password").focus()
    visitor.page.keyboard.type(PASSWORD)
    visitor.page.keyboard.press("Enter")
    expect(visitor.page).to_have_url(f"{service.url}/admin/attempts?status=failed")
    visitor.page.get_by_role("button", name="Sign out").focus()
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Sign in")


@pytest.mark.parametrize("javascript", [True, False])
def test_signing_in_with_the_organisation(
    browser: Browser, service: Service, witness: Witness, store: redis.Redis, javascript: bool
) -> None:
    with browser.new_context(java_script_enabled=javascript) as context:
        visitor = Visitor(context.new_page(), witness)
        visitor.open(f"{service.url}/admin/audit")
        visitor.page.get_by_role("link", name="Sign in with your organisation").click()
        visitor.page.locator("input[name=person][value='viewer@sprocket.example']").check()
        visitor.page.get_by_role("button", name="Sign in").click()
        expect(visitor.page).to_have_url(f"{service.url}/admin/audit")
        expect(visitor.page.locator("body")).to_contain_text("viewer@sprocket.example, viewer")
        expect(visitor.page.locator("tbody tr").first).to_contain_text("single sign-on, viewer")


def test_the_overview_shows_how_things_are(
    operator: Visitor, stranger: Visitor, mint: MintLink, novu: LocalNovu
) -> None:
    stranger.install(mint())
    stranger.install(mint(context={"tenant": "org-1"}), "not_permitted")
    stranger.add_to_slack(mint())
    stranger.cancel()
    fail(stranger, novu, mint())
    operator.page.reload()
    numbers = operator.page.locator(".numbers li").all_inner_texts()
    assert [" ".join(number.split()) for number in numbers] == [
        "1 connected",
        "0 finishing",
        "1 awaiting approval",
        "1 failed",
        "1 need action",
    ]
    operator.look("status-overview")
    operator.page.get_by_text("As a table").click()
    assert "Came back" in operator.page.get_by_role("table", name="Attempts by the day they were started").inner_text()
    operator.look("status-overview-tables")
    operator.page.get_by_role("link", name=re.compile("need action")).click()
    expect(operator.page.locator("tbody tr")).to_have_count(1)


def test_work_that_is_stuck_leads_to_its_attempt(
    operator: Visitor, stranger: Visitor, mint: MintLink, novu: LocalNovu, ledger_db: Database
) -> None:
    fail(stranger, novu, mint(account="Globex"), "down")
    ledger_db.execute("UPDATE work SET tries = 8, last_error = 'ValueError' WHERE kind = 'deliver'")
    ledger_db.execute("INSERT INTO work (kind, subject, tries) VALUES ('forget', '', 5)")
    operator.page.reload()
    expect(operator.page.locator(".stuck li")).to_have_count(2)
    operator.look("status-overview-stuck")
    operator.page.get_by_role("link", name="Delivery for Globex").click()
    operator.page.get_by_role("button", name="Retry").click()
    expect(operator.page.get_by_role("status").first).to_have_text("Retried: connected.")


def test_who_waits_for_an_approval_is_one_click_away(operator: Visitor, stranger: Visitor, mint: MintLink) -> None:
    stranger.install(mint())
    for account in ("Globex", "Initech"):
        stranger.install(mint(account=account, context={"tenant": account}), "not_permitted")
        expect(stranger.page.locator("h1")).to_have_text("Your Slack admin has to approve this first")
    operator.page.reload()
    operator.page.get_by_role("link", name="2 awaiting approval").click()
    expect(operator.page.locator("tbody tr")).to_have_count(2)
    operator.look("status-awaiting-approval")
    operator.page.locator("tbody").get_by_role("link", name="Globex").click()
    expect(operator.page.locator("body")).to_contain_text("Once it is approved, the same link works")
    operator.look("status-attempt-awaiting-approval")


def test_a_customer_is_found_and_put_right_in_a_minute(
    operator: Visitor, stranger: Visitor, mint: MintLink, novu: LocalNovu
) -> None:
    fail(stranger, novu, mint(account="Globex"))
    expect(stranger.page.get_by_role("heading", level=1)).to_have_text("We could not finish")
    operator.page.get_by_label("Find a customer").fill("globex")
    operator.page.get_by_role("button", name="Search").click()
    operator.page.locator("tbody").get_by_role("link", name="Globex").click()
    expect(operator.page.get_by_role("heading", level=1)).to_have_text("Globex")
    expect(operator.page.locator("body")).to_contain_text("Novu does not accept NOVU_SECRET_KEY")
    operator.look("status-failed-attempt")
    operator.page.get_by_role("button", name="Retry").click()
    expect(operator.page.get_by_role("status").first).to_have_text("Retried: connected.")
    operator.look("status-retried-attempt")
    stranger.page.reload()
    expect(stranger.page.get_by_role("heading", level=1)).to_have_text("Acme HQ is connected")


def test_when_novu_is_switched_on_again_nobody_has_to_wait(
    operator: Visitor, stranger: Visitor, mint: MintLink, novu: LocalNovu
) -> None:
    novu.suffer("down")
    stranger.install(mint(account="Globex"))
    expect(stranger.page.get_by_role("heading", level=1)).to_have_text("Slack approved. Finishing setup…")
    go(operator, "Attempts")
    operator.page.locator("tbody").get_by_role("link", name="Globex").click()
    expect(operator.page.locator("body")).to_contain_text("It is on its way to Novu.")
    operator.look("status-waiting-for-novu")
    operator.page.get_by_role("button", name="Retry").click()
    expect(operator.page.get_by_role("status").first).to_have_text("Retried: not there yet. The service keeps trying.")
    novu.suffer("none")
    operator.page.get_by_role("button", name="Retry").click()
    expect(operator.page.get_by_role("status").first).to_have_text("Retried: connected.")
    expect(stranger.page.get_by_role("heading", level=1)).to_have_text("Acme HQ is connected", timeout=20_000)


def test_everything_that_waits_is_retried_with_one_click(
    operator: Visitor, stranger: Visitor, mint: MintLink, novu: LocalNovu
) -> None:
    for number in range(2):
        fail(stranger, novu, mint(account=f"Customer {number}", context={"tenant": f"org-{number}"}))
    operator.page.reload()
    operator.page.get_by_role("link", name=re.compile("need action")).click()
    expect(operator.page.locator("tbody tr")).to_have_count(2)
    operator.look("status-waiting")
    operator.page.get_by_role("button", name="Retry all of these").click()
    expect(operator.page.get_by_role("status").first).to_have_text("Retrying 2 attempts…")


def test_each_filter_is_in_the_address(operator: Visitor, stranger: Visitor, mint: MintLink, novu: LocalNovu) -> None:
    stranger.install(mint(context={"tenant": "org-1"}))
    fail(stranger, novu, mint(account="Globex"))
    today = utc_now().strftime("%Y-%m-%d")
    go(operator, "Attempts")
    expect(operator.page.locator("tbody tr")).to_have_count(2)
    operator.look("status-attempts")
    for label, value, found in (
        ("Status", "failed", 1),
        ("Why it ended", "novu_unauthorized", 1),
        ("Subscriber", "subscriber-123", 2),
        ("Context", "tenant:org-1", 1),
        ("Workspace id", "T9TK3CUKW", 2),
        ("Integration", "nothing", 0),
        ("From", today, 2),
        ("To", "2020-01-01", 0),
    ):
        go(operator, "Attempts")
        operator.page.locator(".filters summary").click()
        field = operator.page.get_by_label(label, exact=True)
        if field.evaluate("each => each.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
        operator.page.get_by_role("button", name="Apply").click()
        operator.page.wait_for_url("**/attempts?*")
        assert value.replace(":", "%3A") in operator.page.url
        expect(operator.page.locator("tbody tr")).to_have_count(found)
    operator.look("status-attempts-filtered")


def test_filters_that_make_no_sense_are_shown_where_they_are(operator: Visitor, service: Service) -> None:
    operator.open(f"{service.url}/admin/attempts?status=nothing&from=yesterday")
    expect(operator.page.locator("body")).to_contain_text("Status is none of the choices")
    operator.look("status-bad-filters")


def test_the_list_keeps_itself_up_to_date_without_moving(
    operator: Visitor, stranger: Visitor, mint: MintLink, novu: LocalNovu, wiring: Wiring
) -> None:
    for number in range(30):
        fields = {"subscriberId": f"subscriber-{number}", "account": f"Customer {number}"}
        wiring.install.start(wiring.links.mint(fields, None, wiring.clock()))
    fail(stranger, novu, mint(account="Globex"), "down")
    go(operator, "Attempts")
    expect(operator.page.locator("tbody tr").first).to_contain_text("Finishing")
    operator.page.mouse.wheel(0, 400)
    operator.page.locator("tbody").get_by_role("link", name="Customer 15").focus()
    operator.page.wait_for_timeout(200)
    before = operator.page.evaluate("scrollY")
    wiring.delivery.deliver(stranger.page.url.rpartition("/")[2])
    stranger.open(mint(account="Newcomer"))
    stranger.page.get_by_role("button", name=re.compile("Add to Slack|Use another workspace")).click()
    expect(operator.page.locator("tbody tr").first).to_contain_text("Connected", timeout=15_000)
    expect(operator.page.locator("[data-news]")).to_have_text("1 new: show")
    assert "Newcomer" not in rows(operator)[0]
    assert operator.page.evaluate("scrollY") == before
    assert operator.page.evaluate("document.activeElement.textContent") == "Customer 15"
    operator.page.get_by_role("link", name="show", exact=True).click()
    expect(operator.page.locator("tbody tr").first).to_contain_text("Newcomer")


def test_a_search_that_means_several_things_asks_which(operator: Visitor, stranger: Visitor, mint: MintLink) -> None:
    stranger.install(mint(account="Acme Inc."))
    operator.page.get_by_label("Find a customer").fill("acme")
    operator.page.get_by_role("button", name="Search").click()
    expect(operator.page.locator("body")).to_contain_text("Which one do you mean?")
    operator.look("status-search")
    operator.page.get_by_role("link", name="Acme HQ").click()
    expect(operator.page.locator("tbody tr")).to_have_count(1)


def test_the_support_code_of_a_problem_page_is_found(operator: Visitor, stranger: Visitor, service: Service) -> None:
    stranger.open(f"{service.url}/install/cut-off")
    code = stranger.page.locator("footer code").inner_text()
    operator.page.get_by_label("Find a customer").fill(code)
    operator.page.get_by_role("button", name="Search").click()
    expect(operator.page.locator("body")).to_contain_text("We don't know this link")
    operator.look("status-problem")


def test_an_operator_decides_where_notifications_go(
    operator: Visitor, stranger: Visitor, mint: MintLink, novu: LocalNovu, slack: LocalSlack
) -> None:
    stranger.install(mint())
    stranger.page.wait_for_url("**/attempts/*")
    go(operator, "Connections")
    operator.page.locator("tbody").get_by_role("link", name="Acme HQ").click()
    operator.page.wait_for_url("**/connections/*")
    operator.look("status-connection-leads-nowhere")
    field = operator.page.get_by_label("Channel or person")
    field.fill("C0123456789")
    operator.page.get_by_role("button", name="Change").click()
    expect(operator.page.get_by_role("status").first).to_contain_text("Slack knows no such channel or person")
    operator.look("status-connection-refused")
    deploys = slack.state.channel_named("T9TK3CUKW", "deploys")
    assert deploys
    field.fill(deploys.links[0])
    field.press("Enter")
    expect(operator.page.get_by_role("status").first).to_contain_text("Notifications go to the channel #deploys")
    operator.page.get_by_role("button", name="Send a test message").click()
    expect(operator.page.get_by_role("status").first).to_contain_text("The test message was sent")
    operator.look("status-connection-leads-somewhere")
    assert len(slack.state.messages(deploys.id)) == 1
    operator.page.get_by_role("button", name="Remove").click()
    expect(operator.page.get_by_role("status").first).to_contain_text("Removed: notifications go nowhere")
    assert novu.state.endpoints == ()


def test_a_connection_is_renamed_verified_and_ended(
    operator: Visitor, stranger: Visitor, mint: MintLink, novu: LocalNovu
) -> None:
    link = mint()
    stranger.install(link)
    stranger.page.wait_for_url("**/attempts/*")
    go(operator, "Connections")
    operator.look("status-connections")
    operator.page.locator("tbody").get_by_role("link", name="Acme HQ").click()
    operator.page.wait_for_url("**/connections/*")
    place = operator.page.url
    operator.page.locator("summary", has_text="Rename").click()
    operator.page.get_by_label("Name of the workspace").fill("Acme, the customer")
    operator.page.get_by_role("button", name="Rename").click()
    expect(operator.page.get_by_role("heading", level=1)).to_have_text("Acme, the customer")
    operator.page.get_by_role("button", name="Verify").click()
    expect(operator.page.get_by_role("status").first).to_contain_text("Slack: the token works.")
    operator.page.locator("summary", has_text="Disconnect").click()
    operator.look("status-connection")
    operator.page.get_by_role("button", name="Disconnect").click()
    expect(operator.page.get_by_role("status").first).to_have_text(
        "Slack: the token was revoked. Novu: the connection was deleted."
    )
    operator.look("status-disconnected")
    operator.open(place)
    expect(operator.page.get_by_role("heading", level=1)).to_have_text("Acme HQ")
    expect(operator.page.locator("main")).to_contain_text("Ended It was disconnected on purpose")
    operator.look("status-connection-gone")
    stranger.page.reload()
    expect(stranger.page.get_by_role("heading", level=1)).to_have_text("Acme HQ is no longer connected")
    stranger.look("disconnected")
    assert novu.state.connections == ()
    stranger.open(link)
    expect(stranger.page.get_by_role("heading", level=1)).to_have_text("Connect Acme Inc. to Slack")


def test_when_novu_is_down_the_rest_works_and_the_page_says_so(operator: Visitor, novu: LocalNovu) -> None:
    novu.suffer("down")
    go(operator, "Connections")
    expect(operator.page.locator("body")).to_contain_text("Novu does not answer")
    operator.look("status-novu-down")
    go(operator, "Attempts")
    expect(operator.page.get_by_role("heading", level=1)).to_have_text("Attempts")
    novu.suffer("none")


def test_a_link_is_created_copied_used_and_revoked(operator: Visitor, stranger: Visitor) -> None:
    go(operator, "Links")
    operator.page.get_by_role("button", name="Create link").click()
    expect(operator.page.get_by_role("alert")).to_contain_text("subscriber is required")
    operator.look("status-link-refused")
    operator.page.get_by_label("Subscriber").fill("subscriber-123")
    operator.page.get_by_label("Account name").fill("Initech GmbH")
    operator.page.get_by_role("button", name="Create link").click()
    expect(operator.page.get_by_role("status").first).to_contain_text("The link is ready.")
    operator.look("status-link-created")
    operator.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    operator.page.get_by_role("button", name="Copy").click()
    expect(operator.page.get_by_text("Copied.")).to_be_visible()
    url = operator.page.evaluate("navigator.clipboard.readText()")
    stranger.open(url)
    expect(stranger.page.get_by_role("heading", level=1)).to_have_text("Connect Initech GmbH to Slack")
    operator.page.locator("tbody").get_by_role("link", name="Initech GmbH").click()
    operator.page.locator("summary", has_text="Revoke this link").click()
    operator.look("status-links")
    operator.page.get_by_role("button", name="Revoke link").click()
    expect(operator.page.locator("tbody tr").first).to_contain_text("Revoked")
    stranger.page.get_by_role("button", name="Add to Slack").click()
    expect(stranger.page.get_by_role("heading", level=1)).to_have_text("This link is no longer valid")
    stranger.look("link-revoked")


def test_the_tables_can_be_taken_along(operator: Visitor, stranger: Visitor, mint: MintLink, tmp_path: Path) -> None:
    stranger.install(mint(account="=1+1"))
    for page, name in (("Attempts", "attempts.csv"), ("Audit log", "audit.csv")):
        go(operator, page)
        with operator.page.expect_download() as download:
            operator.page.get_by_role("link", name="Export as CSV").click()
        assert download.value.suggested_filename == name
        download.value.save_as(tmp_path / name)
    [header, line] = csv.reader(io.StringIO((tmp_path / "attempts.csv").read_text("utf-8-sig")))
    assert dict(zip(header, line, strict=True))["account"] == "'=1+1"
    assert "exported" in (tmp_path / "audit.csv").read_text("utf-8")
    operator.page.reload()
    operator.look("status-audit")


def test_the_support_bundle_is_copied(operator: Visitor, stranger: Visitor, mint: MintLink) -> None:
    stranger.install(mint())
    go(operator, "Attempts")
    operator.page.locator("tbody").get_by_role("link", name="Acme Inc.").click()
    expect(operator.page.get_by_role("heading", level=1)).to_have_text("Acme Inc.")
    operator.look("status-attempt")
    operator.page.get_by_text("Support bundle").click()
    operator.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    operator.page.get_by_role("button", name="Copy").click()
    expect(operator.page.get_by_text("Copied.")).to_be_visible()
    assert '"status": "connected"' in operator.page.evaluate("navigator.clipboard.readText()")
    operator.look("status-bundle")


def test_everything_works_without_javascript(
    browser: Browser,
    service: Service,
    witness: Witness,
    stranger: Visitor,
    mint: MintLink,
    novu: LocalNovu,
    store: redis.Redis,
) -> None:
    fail(stranger, novu, mint(account="Globex"))
    with browser.new_context(java_script_enabled=False) as context:
        visitor = Visitor(context.new_page(), witness)
        visitor.open(f"{service.url}/admin/attempts")
        visitor.page.get_by_label("Password").fill(PASSWORD)
        visitor.page.get_by_role("button", name="Sign in").click()
        visitor.page.locator(".filters summary").click()
        visitor.page.get_by_label("Status", exact=True).select_option("waiting")
        visitor.page.get_by_role("button", name="Apply").click()
        visitor.page.locator("tbody").get_by_role("link", name="Globex").click()
        visitor.page.get_by_text("Support bundle").click()
        expect(visitor.page.get_by_label("Everything known of this attempt, without tokens")).to_be_visible()
        expect(visitor.page.get_by_role("button", name="Copy")).to_have_count(0)
        visitor.page.get_by_role("button", name="Retry").click()
        expect(visitor.page.locator("body")).to_contain_text("Retried: connected.")
        visitor.page.get_by_role("button", name="New link for the same customer").click()
        expect(visitor.page.locator("body")).to_contain_text("Link for Globex")
        visitor.page.get_by_role("button", name="Sign out").click()
        expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_empty_pages_say_what_will_be_there(operator: Visitor) -> None:
    for page, words in (
        ("Attempts", "They appear here as soon as somebody presses Add to Slack."),
        ("Connections", "Novu holds no connections yet."),
        ("Links", "No links were created here yet."),
    ):
        go(operator, page)
        expect(operator.page.locator("body")).to_contain_text(words)
        operator.look(f"status-empty-{page.lower()}")


def test_the_reference_of_the_api_is_for_everybody(visitor: Visitor, service: Service) -> None:
    visitor.open(f"{service.url}/reference")
    visitor.look("reference")
    visitor.page.get_by_role("link", name="Revoke an install link").click()
    assert visitor.page.evaluate("document.querySelector(':target').textContent") == "Revoke an install link"
