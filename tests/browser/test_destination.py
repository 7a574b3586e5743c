"""From the link to a message in Slack: the whole journey, as people make it."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Browser, Page, expect

from tests.browser.visitor import Visitor
from tests.conftest import MintLink
from tests.fakes import LocalNovu, LocalSlack
from tests.witness import Witness

ACME = "T9TK3CUKW"
MakeVisitor = Callable[..., Visitor]


def heading(visitor: Visitor, text: str) -> None:
    expect(visitor.page.locator("h1")).to_have_text(text)


def press(visitor: Visitor, name: str) -> None:
    visitor.page.get_by_role("button", name=name, exact=True).click()


def follow(visitor: Visitor, name: str) -> None:
    visitor.page.get_by_role("link", name=name, exact=True).click()


def pick(visitor: Visitor, name: str) -> None:
    visitor.page.get_by_role("radio", name=name).check()


def choose(visitor: Visitor, name: str) -> None:
    pick(visitor, name)
    press(visitor, "Save")


def slack_page(visitor: Visitor, slack: LocalSlack, place: str, workspace: str = ACME) -> Page:
    """Another tab of the same browser, in the local Slack."""
    tab = visitor.page.context.new_page()
    tab.goto(f"{slack.url}/workspaces/{workspace}/{place}")
    return tab


def channel(slack: LocalSlack, name: str, workspace: str = ACME) -> str:
    found = slack.state.channel_named(workspace, name)
    assert found
    return found.id


def to_the_end(visitor: Visitor, link: str, slack: LocalSlack) -> None:
    """From the link to a message that somebody sees in Slack."""
    visitor.install(link)
    heading(visitor, "Acme HQ is connected")
    follow(visitor, "Choose a channel")
    choose(visitor, "deploys")
    heading(visitor, "Sprocket will post to #deploys")
    press(visitor, "Send a test message")
    expect(visitor.page.get_by_role("status")).to_have_text("Sent. Look in #deploys.")
    tab = slack_page(visitor, slack, channel(slack, "deploys"))
    expect(tab.get_by_text("This is a test message from Sprocket.")).to_be_visible()
    tab.close()


def test_from_the_link_to_a_message_in_the_channel(
    visitor: Visitor, mint: MintLink, slack: LocalSlack, novu: LocalNovu
) -> None:
    link = mint(returnUrl="https://app.example.com/settings")
    visitor.install(link)
    heading(visitor, "Acme HQ is connected")
    visitor.look("destination-open")
    follow(visitor, "Choose a channel")
    heading(visitor, "Where should Sprocket post?")
    visitor.look("destination-choose")
    visitor.page.get_by_label("Find a channel").fill("depl")
    press(visitor, "Search")
    expect(visitor.page.get_by_role("radio", name="deploys")).to_be_visible()
    expect(visitor.page.get_by_role("radio", name="general")).to_have_count(0)
    visitor.look("destination-search")
    choose(visitor, "deploys")
    heading(visitor, "Sprocket will post to #deploys")
    visitor.look("destination-set")
    press(visitor, "Send a test message")
    expect(visitor.page.get_by_role("status")).to_have_text("Sent. Look in #deploys.")
    visitor.look("destination-sent")
    tab = slack_page(visitor, slack, channel(slack, "deploys"))
    expect(tab.get_by_text("This is a test message from Sprocket.")).to_be_visible()
    assert len(novu.state.endpoints) == 1
    visitor.open(link)
    heading(visitor, "Acme Inc. is connected to Acme HQ")
    expect(visitor.page.get_by_text("Notifications go to #deploys.")).to_be_visible()
    visitor.look("already-connected-destination")
    follow(visitor, "Change where notifications go")
    heading(visitor, "Where should Sprocket post?")
    visitor.look("destination-change")
    choose(visitor, "Direct message to you")
    heading(visitor, "Sprocket will post to your direct messages in Slack")
    assert [each.type for each in novu.state.endpoints] == ["slack_user"]


def test_a_private_channel_by_invitation(visitor: Visitor, mint: MintLink, slack: LocalSlack) -> None:
    visitor.install(mint())
    follow(visitor, "Choose a channel")
    expect(visitor.page.get_by_role("radio", name="leadership")).to_have_count(0)
    link = f"https://acme-hq.slack.com/archives/{channel(slack, 'leadership')}"
    pick(visitor, "My channel isn't listed")
    visitor.page.get_by_label("Link of the channel").fill(link)
    press(visitor, "Save")
    expect(visitor.page.get_by_role("alert")).to_contain_text("If it is private, first type “/invite @Sprocket” in it.")
    visitor.look("destination-refused")
    tab = slack_page(visitor, slack, channel(slack, "leadership"))
    tab.get_by_role("button", name="Invite the app").click()
    tab.close()
    press(visitor, "Save")
    heading(visitor, "Sprocket will post to the channel you chose")
    press(visitor, "Send a test message")
    tab = slack_page(visitor, slack, channel(slack, "leadership"))
    expect(tab.get_by_text("This is a test message from Sprocket.")).to_be_visible()


def test_direct_messages_in_one_click(visitor: Visitor, mint: MintLink, slack: LocalSlack) -> None:
    visitor.install(mint())
    press(visitor, "Send them to me in Slack")
    heading(visitor, "Sprocket will post to your direct messages in Slack")
    press(visitor, "Send a test message")
    tab = slack_page(visitor, slack, slack.state.installations[0].user_id)
    expect(tab.get_by_text("This is a test message from Sprocket.")).to_be_visible()


def test_another_workspace_asks_again(visitor: Visitor, mint: MintLink, slack: LocalSlack) -> None:
    link = mint()
    visitor.install(link)
    follow(visitor, "Choose a channel")
    choose(visitor, "deploys")
    heading(visitor, "Sprocket will post to #deploys")
    visitor.open(link)
    press(visitor, "Use another workspace")
    visitor.allow(workspace="T0VMBRE11A")
    heading(visitor, "Umbrella <b>&</b> Sons is connected")
    expect(visitor.page.get_by_text("What was chosen before ended with the other workspace")).to_be_visible()
    visitor.look("destination-removed")
    visitor.open(link)
    press(visitor, "Use another workspace")
    visitor.allow(workspace="T0VMBRE11A")
    follow(visitor, "Choose a channel")
    choose(visitor, "general")
    visitor.open(link)
    press(visitor, "Use another workspace")
    visitor.allow(workspace="T0VMBRE11A")
    heading(visitor, "Sprocket will post to #general")
    expect(visitor.page.get_by_text("This was chosen before and stays as it was.")).to_be_visible()
    visitor.look("destination-kept")


def test_on_a_phone(browser: Browser, mint: MintLink, witness: Witness, env: dict[str, str], slack: LocalSlack) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True)
    to_the_end(Visitor(context.new_page(), witness), mint(), slack)
    context.close()


def test_without_javascript(
    browser: Browser, mint: MintLink, witness: Witness, env: dict[str, str], slack: LocalSlack
) -> None:
    context = browser.new_context(java_script_enabled=False)
    to_the_end(Visitor(context.new_page(), witness), mint(), slack)
    context.close()


def test_by_keyboard_alone(visitor: Visitor, mint: MintLink, slack: LocalSlack) -> None:
    visitor.install(mint())
    keyboard = visitor.page.keyboard
    tab_to(visitor, "Choose a channel")
    keyboard.press("Enter")
    heading(visitor, "Where should Sprocket post?")
    tab_to(visitor, "q")
    keyboard.type("general")
    keyboard.press("Enter")
    expect(visitor.page.get_by_role("radio", name="deploys")).to_have_count(0)
    tab_to(visitor, channel(slack, "general"))
    keyboard.press("Space")
    tab_to(visitor, "Save")
    keyboard.press("Enter")
    heading(visitor, "Sprocket will post to #general")
    tab_to(visitor, "Send a test message")
    keyboard.press("Enter")
    expect(visitor.page.get_by_role("status")).to_have_text("Sent. Look in #general.")


def tab_to(visitor: Visitor, name: str) -> None:
    """Until the focus is on what is called, named or worth that."""
    for _ in range(60):
        visitor.page.keyboard.press("Tab")
        focused = visitor.page.evaluate("(e => [e.textContent.trim(), e.name, e.value])(document.activeElement)")
        if name in focused:
            return
    raise AssertionError(f"the keyboard does not lead to {name}")


def test_an_organisation_first_adds_the_app_to_a_workspace(visitor: Visitor, mint: MintLink, slack: LocalSlack) -> None:
    visitor.install(mint(), "org_wide", workspace="T0NRTHW1ND")
    heading(visitor, "Northwind Group is connected")
    follow(visitor, "Choose a channel")
    heading(visitor, "Add the app to a workspace first")
    visitor.look("destination-no-workspace")
    for workspace in ("T0NRTHW1ND", "T0NRTHF00D"):
        slack.state.add_workspace("E0NRTHW1ND", workspace)
    visitor.page.reload()
    heading(visitor, "Which workspace should Sprocket post to?")
    visitor.look("destination-which-workspace")
    follow(visitor, "Northwind Foods")
    choose(visitor, "random")
    heading(visitor, "Sprocket will post to #random")


def test_another_browser_is_told_where_to_choose(visitor: Visitor, stranger: Visitor, mint: MintLink) -> None:
    visitor.install(mint())
    heading(visitor, "Acme HQ is connected")
    stranger.open(visitor.page.url)
    stranger.look("destination-elsewhere")
    stranger.open(f"{visitor.page.url}/destination")
    heading(stranger, "Please use the browser that connected Slack")
    stranger.look("destination-other-browser")


def test_a_workspace_with_twenty_thousand_channels(visitor: Visitor, mint: MintLink) -> None:
    visitor.install(mint(), workspace="T0GL0BEX20")
    follow(visitor, "Choose a channel")
    heading(visitor, "Where should Sprocket post?")
    expect(visitor.page.get_by_text("This workspace has many channels")).to_be_visible()
    visitor.look("destination-many")


def test_what_cannot_be_sent_names_the_fix(visitor: Visitor, mint: MintLink, slack: LocalSlack) -> None:
    visitor.install(mint())
    follow(visitor, "Choose a channel")
    choose(visitor, "announcements")
    press(visitor, "Send a test message")
    heading(visitor, "The test message was not sent")
    visitor.look("destination-not-sent")
    follow(visitor, "Change where notifications go")
    heading(visitor, "Where should Sprocket post?")
