"""The journey from the link to the outcome, as people make it."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from playwright.sync_api import Browser, Page, expect

from onboarding.ledger.lists import Wanted
from onboarding.wiring import Wiring
from tests.aging import Database, pass_time
from tests.browser.visitor import Visitor
from tests.conftest import MintLink
from tests.fakes import LocalNovu, LocalSlack
from tests.service import Service, free_port, running
from tests.witness import Witness


def test_allowed(visitor: Visitor, mint: MintLink, novu: LocalNovu) -> None:
    link = mint(returnUrl="https://app.example.com/settings")
    visitor.open(link)
    visitor.look("landing")
    visitor.install(link)
    assert visitor.heading == "Acme HQ is connected"
    visitor.look("connected")
    assert len(novu.state.connections) == 1
    visitor.open(link)
    assert visitor.heading == "Acme Inc. is connected to Acme HQ"
    visitor.look("already-connected")


def test_cancelled(visitor: Visitor, mint: MintLink, novu: LocalNovu) -> None:
    visitor.add_to_slack(mint())
    visitor.cancel()
    assert visitor.heading == "Nothing was connected"
    visitor.look("cancelled")
    visitor.page.get_by_role("link", name="Try again").click()
    assert visitor.heading == "Connect Acme Inc. to Slack"
    assert novu.state.connections == ()


def test_awaiting_approval(visitor: Visitor, stranger: Visitor, mint: MintLink, ledger_db: Database) -> None:
    link = mint()
    visitor.install(link, "not_permitted")
    assert visitor.heading == "Your Slack admin has to approve this first"
    visitor.look("awaiting-approval")
    visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visitor.page.get_by_role("button", name="Copy a message for your admin").click()
    expect(visitor.page.get_by_text("Copied.")).to_be_visible()
    message = visitor.page.evaluate("navigator.clipboard.readText()")
    assert "Could you approve Sprocket" in message
    assert "Post messages, to deliver your notifications" in message
    [found] = re.findall(r"http\S+", message)
    stranger.install(found)
    assert stranger.heading == "Acme HQ is connected"
    visitor.page.reload()
    assert visitor.heading == "Acme HQ is connected"
    visitor.look("approval-given")


def test_approved_and_continued(visitor: Visitor, mint: MintLink, novu: LocalNovu) -> None:
    visitor.install(mint(), "not_permitted")
    visitor.page.get_by_role("link", name="It's approved: continue").click()
    visitor.page.get_by_role("button", name="Add to Slack").click()
    visitor.allow()
    assert visitor.heading == "Acme HQ is connected"
    assert len(novu.state.connections) == 1


def test_an_approval_that_nobody_gave(visitor: Visitor, mint: MintLink, ledger_db: Database) -> None:
    visitor.install(mint(timedelta(hours=1)), "not_permitted")
    expect(visitor.page.locator("h1")).to_have_text("Your Slack admin has to approve this first")
    pass_time(ledger_db, timedelta(hours=1, minutes=1))
    visitor.page.reload()
    assert visitor.heading == "This link has expired"
    visitor.look("approval-not-given")


def test_another_workspace_after_this_one(visitor: Visitor, mint: MintLink) -> None:
    visitor.install(mint())
    expect(visitor.page.locator("h1")).to_have_text("Acme HQ is connected")
    older = visitor.page.url
    visitor.install(mint(), workspace="T0NRTHW1ND")
    expect(visitor.page.locator("h1")).to_have_text("Northwind Research is connected")
    visitor.open(older)
    assert visitor.heading == "Another workspace took its place"
    visitor.look("replaced")


def test_expired_at_slack(visitor: Visitor, mint: MintLink) -> None:
    visitor.install(mint(), "code_expired")
    assert visitor.heading == "Slack did not accept this approval"
    visitor.look("code-refused")


def test_expired_before_coming_back(visitor: Visitor, mint: MintLink, ledger_db: Database, slack: LocalSlack) -> None:
    visitor.add_to_slack(mint())
    back = slack.answer(visitor.page.url)
    pass_time(ledger_db, timedelta(minutes=10, seconds=1))
    visitor.open(back)
    assert visitor.heading == "This took too long"
    visitor.look("state-expired")
    visitor.page.get_by_role("link", name="Start again").click()
    assert visitor.heading == "Connect Acme Inc. to Slack"


def test_from_another_browser(visitor: Visitor, stranger: Visitor, mint: MintLink, slack: LocalSlack) -> None:
    visitor.add_to_slack(mint())
    back = slack.answer(visitor.page.url)
    stranger.open(back)
    assert stranger.heading == "Please finish where you started"
    stranger.look("other-browser")
    visitor.open(back)
    assert visitor.heading == "Acme HQ is connected"


def test_two_tabs_at_once(visitor: Visitor, mint: MintLink, novu: LocalNovu, witness: Witness) -> None:
    second = Visitor(visitor.page.context.new_page(), witness)
    visitor.add_to_slack(mint())
    second.add_to_slack(mint(context={"tenant": "org-1"}))
    visitor.allow()
    second.allow(workspace="T0NRTHW1ND")
    assert visitor.heading == "Acme HQ is connected"
    assert second.heading == "Northwind Research is connected"
    assert len(novu.state.connections) == 2


def test_reload_and_back_after_success(visitor: Visitor, mint: MintLink, slack: LocalSlack, novu: LocalNovu) -> None:
    visitor.install(mint())
    visitor.page.wait_for_url("**/attempts/*")
    address = visitor.page.url
    visitor.page.reload()
    assert visitor.heading == "Acme HQ is connected"
    visitor.page.go_back()
    visitor.page.go_forward()
    assert visitor.page.url == address
    assert visitor.heading == "Acme HQ is connected"
    assert slack.state.redeem_count == 1
    assert len(novu.state.connections) == 1


def test_the_addresses_that_stay_in_the_browser_hold_no_secret(visitor: Visitor, mint: MintLink) -> None:
    visitor.install(mint())
    assert "?" not in visitor.page.url
    assert visitor.page.evaluate("document.referrer") == ""


def test_without_javascript(browser: Browser, mint: MintLink, novu: LocalNovu, witness: Witness) -> None:
    context = browser.new_context(java_script_enabled=False)
    plain = Visitor(context.new_page(), witness)
    plain.install(mint())
    assert plain.heading == "Acme HQ is connected"
    novu.suffer("down")
    plain.install(mint(context={"tenant": "org-1"}))
    assert plain.heading == "Slack approved. Finishing setup…"
    assert 'http-equiv="refresh"' in plain.page.content()
    plain.install(mint(context={"tenant": "org-2"}), "not_permitted")
    assert plain.page.get_by_label("A message for your admin").is_visible()
    assert not plain.page.get_by_role("button", name="Copy a message").is_visible()
    context.close()


def test_on_a_phone(browser: Browser, mint: MintLink, witness: Witness, visitor: Visitor) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True)
    phone = Visitor(context.new_page(), witness)
    link = mint()
    phone.open(link)
    button = phone.page.get_by_role("button", name="Add to Slack").bounding_box()
    assert button
    assert button["height"] >= 44
    assert button["y"] + button["height"] < 640
    phone.install(link)
    assert phone.heading == "Acme HQ is connected"
    context.close()


def test_by_keyboard_alone(visitor: Visitor, mint: MintLink) -> None:
    visitor.open(mint())
    visitor.page.keyboard.press("Tab")
    assert visitor.page.evaluate("document.activeElement.textContent").split() == ["Add", "to", "Slack"]
    assert visitor.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    visitor.page.keyboard.press("Enter")
    visitor.page.get_by_role("button", name="Allow").wait_for()


def test_the_finishing_page_turns_into_the_outcome_by_itself(
    visitor: Visitor, mint: MintLink, novu: LocalNovu, wiring: Wiring
) -> None:
    novu.suffer("down")
    visitor.install(mint())
    assert visitor.heading == "Slack approved. Finishing setup…"
    visitor.look("finishing")
    novu.suffer("none")
    wiring.delivery.retry(visitor.page.url.rpartition("/")[2])
    expect(visitor.page.locator("h1")).to_have_text("Acme HQ is connected", timeout=10_000)


@pytest.mark.parametrize(
    ("outcome", "name"),
    [
        ("org_wide", "connected-organisation"),
        ("unexpected_error", "slack-refused"),
        ("server_error", "slack-unavailable"),
        ("workspace_policy", "workspace-policy"),
        ("bad_client_secret", "slack-misconfigured"),
        ("user_only", "no-bot-token"),
        ("fewer_scopes", "scopes-missing"),
    ],
)
def test_other_outcomes_at_slack(visitor: Visitor, mint: MintLink, outcome: str, name: str) -> None:
    visitor.install(mint(), outcome)
    visitor.look(name)


def test_odd_names_are_only_names(visitor: Visitor, mint: MintLink) -> None:
    visitor.install(mint(account="<i>Acme</i> \N{ROCKET} " + "x" * 150), workspace="T0VMBRE11A")
    assert visitor.heading == "Umbrella <b>&</b> Sons is connected"
    visitor.look("connected-odd-names")


def test_refused_by_novu(visitor: Visitor, mint: MintLink, novu: LocalNovu) -> None:
    novu.suffer("unauthorized")
    visitor.install(mint(returnUrl="https://app.example.com/"))
    assert visitor.heading == "We could not finish"
    visitor.look("failed-at-novu")


def test_waiting(visitor: Visitor, mint: MintLink, service: Service, wiring: Wiring) -> None:
    visitor.add_to_slack(mint())
    [attempt] = wiring.ledger.lists.find(Wanted()).attempts
    visitor.open(f"{service.url}/attempts/{attempt.id}")
    assert visitor.heading == "Waiting for your answer in Slack"
    visitor.look("waiting")
    wiring.ephemeral.states.claim(attempt.id, attempt.browser_hash)
    visitor.page.reload()
    assert visitor.heading == "Checking Slack's answer"
    visitor.look("checking")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "home"),
        ("/nothing", "not-found"),
        ("/install/forged", "link-forged"),
        ("/slack/oauth_redirect?code=x&state=", "no-state"),
        ("/slack/oauth_redirect?code=x&state=" + "x" * 43, "unknown-state"),
        ("/slack/oauth_redirect?state=" + "x" * 43, "incomplete-return"),
    ],
)
def test_pages_reached_by_address(visitor: Visitor, service: Service, path: str, name: str) -> None:
    visitor.open(service.url + path)
    visitor.look(name)


def test_a_link_that_has_expired(visitor: Visitor, mint: MintLink) -> None:
    link = mint(timedelta(seconds=1))
    visitor.page.wait_for_timeout(1100)
    visitor.open(link)
    assert visitor.heading == "This link has expired"
    visitor.look("link-expired")


def test_a_click_without_its_cookie(visitor: Visitor, mint: MintLink) -> None:
    visitor.open(mint())
    visitor.page.context.clear_cookies()
    visitor.page.get_by_role("button", name="Add to Slack").click()
    assert visitor.heading == "Please press the button again"
    visitor.look("no-csrf")
    visitor.page.get_by_role("link", name="Open the page again").click()
    visitor.page.get_by_role("button", name="Add to Slack").click()
    visitor.page.get_by_role("button", name="Allow").wait_for()


def test_too_many_clicks(visitor: Visitor, mint: MintLink, store: redis.Redis) -> None:
    link = mint()
    visitor.add_to_slack(link)
    [key] = store.scan_iter("onboarding:starts:*")
    store.incrby(key, 30)
    visitor.open(link)
    visitor.page.get_by_role("button", name="Add to Slack").click()
    assert visitor.heading == "Please wait a little"
    visitor.look("too-many-starts")


def test_without_redis_the_page_opens_and_the_click_says_that_the_link_is_still_good(
    page: Page, env: dict[str, str], tmp_path: Path, mint: MintLink, witness: Witness
) -> None:
    port = free_port()
    broken = {**env, "PUBLIC_URL": f"http://127.0.0.1:{port}", "REDIS_URL": "unix:///nowhere/redis.sock"}
    with running(broken, tmp_path / "log", port) as service:
        visitor = Visitor(page, witness)
        visitor.open(service.url + "/install/" + mint().rpartition("/")[2])
        assert visitor.heading == "Connect Acme Inc. to Slack"
        visitor.page.get_by_role("button", name="Add to Slack").click()
        expect(visitor.page.locator("h1")).to_have_text("We are having trouble")
        assert "Your link is still good" in visitor.text
        visitor.look("store-unavailable")
