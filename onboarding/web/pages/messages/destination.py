"""The pages about where notifications go."""

from __future__ import annotations

from typing import Final

from onboarding.model.errors import NotThere, Remedy
from onboarding.web.pages.messages.message import BACK, CONTACT, QUIET_BACK, TO_ATTEMPT, Action, Button, Message

CHOOSE: Final = Button(Action.CHOOSE, "Choose a channel")
CHANGE: Final = Button(Action.CHOOSE, "Change where notifications go")
LATER: Final = Button(Action.BACK, "Do this later")
DESTINATION_OPEN: Final = Message(
    "{workspace} is connected",
    ("One more step: choose where {product} should post.",),
    primary=CHOOSE,
    quiet=Button(Action.SEND_TO_ME, "Send them to me in Slack"),
    also=LATER,
    tone="good",
)
DESTINATION_COMING: Final = Message(
    "{workspace} is connected",
    ("We are setting up where {product} will post: usually a few seconds. You can leave; we keep going.",),
    primary=Button(Action.CHECK_AGAIN, "Check again"),
    quiet=LATER,
    tone="good",
    polls=True,
)
ENDING: Final = Message(
    "{workspace} is being disconnected",
    ("{account} is being disconnected, and that takes a moment longer. Nothing is posted any more once it is done.",),
    primary=BACK,
    tone="wait",
)
DESTINATION_OPEN_ELSEWHERE: Final = Message(
    "{workspace} is connected",
    (
        "One more step: somebody has to choose where {product} should post. That happens on this page, in the browser "
        "that connected Slack.",
    ),
    primary=BACK,
    tone="good",
)
DESTINATION_SET: Final = Message(
    "{product} will post to {place}",
    ("Test it now, or change it at any time from this page.",),
    primary=Button(Action.TEST, "Send a test message"),
    quiet=QUIET_BACK,
    also=Button(Action.CHOOSE, "Change"),
    tone="good",
)
DESTINATION_SET_ELSEWHERE: Final = Message(
    "{product} will post to {place}",
    ("{account} is connected to {workspace}. This can be changed in the browser that connected Slack.",),
    primary=BACK,
    tone="good",
)
DESTINATION_KEPT: Final = "This was chosen before and stays as it was."
DESTINATION_REMOVED: Final = "What was chosen before ended with the other workspace: its channels are not here."
DESTINATION_REFUSED: Final = "{product} was to send you direct messages, and that could not be set up."
TEST_SENT: Final = "Sent. Look in {place}."

YOUR_MESSAGES: Final = "your direct messages in Slack"
THEIR_MESSAGES: Final = "the direct messages of the person who connected Slack"
YOUR_CHANNEL: Final = "the channel you chose"
THEIR_CHANNEL: Final = "a channel that was chosen"
NOTIFICATIONS_GO: Final = "Notifications go to {place}."
NOBODY_CHOSE: Final = "Nobody has chosen yet where notifications go."

CHOOSE_PAGE: Final = Message("Where should {product} post?", ("Choose one place in {workspace}.",))
NOW: Final = "At the moment it posts to {place}."
FIND: Final = "Find a channel"
SEARCH: Final = "Search"
SEARCH_HINT: Final = "Part of its name is enough."
CHANNELS: Final = "Channels"
PRIVATE: Final = "private"
DIRECT_MESSAGE: Final = "Direct message to you"
DIRECT_MESSAGE_HINT: Final = "In the app's messages in Slack. Only you see them."
NOT_LISTED: Final = "My channel isn't listed"
LINK_LABEL: Final = "Link of the channel"
LINK_HINT: Final = "In Slack, open the channel's menu, choose Copy, then Copy link, and paste it here."
INVITE_HINT: Final = "For a private channel, first type this in it:"
INVITE: Final = "/invite @{product}"
SAVE: Final = "Save"
NOTHING_FOUND: Final = "No channel is called like that."
NO_CHANNELS: Final = "Slack shows us no public channels here."
SOME_SHOWN: Final = "The first {shown} of {number}. Search to see others."
SOME_READ: Final = "This workspace has many channels; the first {number} were looked through."
LOOK_FURTHER: Final = "Look through more"
NOT_ALL_LISTED: Final = (
    "Slack does not list more channels right now. Paste the link of yours below, or try again later."
)
LIST_HIDDEN: Final = "The channels of your workspace cannot be listed here. Paste the link of yours below."
WHICH_WORKSPACE: Final = Message(
    "Which workspace should {product} post to?", ("{workspace} has several workspaces with the app.",)
)
NO_WORKSPACE_YET: Final = Message(
    "Add the app to a workspace first",
    (
        "Slack approved the app for all of {workspace}, and it is in none of its workspaces yet. Add it to one in "
        "Slack, then come back to this page.",
    ),
    primary=Button(Action.ADD_TO_WORKSPACES, "Choose workspaces in Slack"),
    quiet=Button(Action.RELOAD, "Look again"),
)

REFUSED_DESTINATIONS: Final[dict[NotThere, str]] = {
    NotThere.NO_CHOICE: "Choose one of the places below.",
    NotThere.NOT_FOUND: "We cannot find that channel in {workspace}. If it is private, first type “/invite @{product}” "
    "in it.",
    NotThere.ARCHIVED: "That channel is archived. Choose another, or let somebody unarchive it in Slack.",
    NotThere.NOT_INVITED: "{product} is not in that channel yet. Type “/invite @{product}” in it, then save again.",
    NotThere.OTHER_WORKSPACE: "That link leads to another workspace. Copy the link of a channel in {workspace}.",
    NotThere.NO_LINK: "That is not the link of a channel. In Slack, open the channel's menu, choose Copy, then Copy "
    "link.",
    NotThere.NO_CHANNEL: "That is not a channel. Copy the link of a channel; for direct messages choose “Direct "
    "message to you”.",
    NotThere.NO_INSTALLER: "Slack did not tell us who you are, so direct messages are not possible. Choose a channel.",
}
SLACK_WORDS: Final = {
    "channel_not_found": "Slack cannot find the channel any more. If it is private, type “/invite @{product}” in it; "
    "otherwise choose another.",
    "is_archived": "The channel is archived. Choose another, or let somebody unarchive it in Slack.",
    "not_in_channel": "{product} is not in the channel. Type “/invite @{product}” in it, then try again.",
    "restricted_action": "Only some people may post in that channel. Choose another, or ask an admin of the workspace "
    "to let the app post.",
    "restricted_action_read_only_channel": "Nobody may post in that channel. Choose another.",
    "restricted_action_thread_only_channel": "Only replies are allowed in that channel. Choose another.",
    "messages_tab_disabled": "The app does not take direct messages: its Messages tab is switched off, and our team "
    "has to switch it on. Choose a channel meanwhile.",
    "user_not_found": "Slack does not know that person any more. Choose another place.",
    "user_disabled": "That person's Slack account is switched off. Choose another place.",
    "message_limit_exceeded": "The workspace has reached its limit of messages. An admin of it can change that.",
    "ekm_access_denied": "The administrators of {workspace} have suspended apps for now.",
    "team_access_not_granted": "The organisation has not given the app access to that workspace.",
    "missing_scope": "The app lacks a permission for that. Add it to Slack again, or choose another place.",
}
SLACK_REMEDIES: Final = {
    Remedy.RECONNECT: "Slack no longer accepts the connection to {workspace}. Open your connect link and add {product} "
    "to Slack again.",
    Remedy.CHOOSE_AGAIN: "Slack does not take messages there. Choose another place.",
    Remedy.ASK_IN_SLACK: "A rule of the workspace does not allow it. Choose another place, or ask an admin of "
    "{workspace}.",
    Remedy.OURS: "Slack did not accept the message as we sent it. Our team has to look at it.",
}
NOT_SAVED: Final = Message("That was not saved", (), primary=CHANGE, quiet=TO_ATTEMPT, tone="stop")
NOT_SENT: Final = Message("The test message was not sent", (), primary=CHANGE, quiet=TO_ATTEMPT, tone="stop")
NOTHING_TO_TEST: Final = Message(
    "Nothing is chosen yet", ("Choose where {product} should post first. Nothing was sent.",), primary=CHOOSE
)
CANNOT_TEST: Final = Message(
    "We cannot send a test message",
    ("The key to {workspace} is kept where we cannot read it. Send a notification from {product} instead.",),
    primary=TO_ATTEMPT,
)
TOO_MANY_TESTS: Final = Message(
    "Please wait a little",
    ("A test message can be sent three times a minute. Try again in {wait}.",),
    primary=TO_ATTEMPT,
    tone="stop",
)
MAYBE_SENT: Final = Message(
    "Slack did not say whether it was sent",
    ("The test message may have arrived all the same. Look in {place} before you send another.",),
    primary=TO_ATTEMPT,
    tone="stop",
)
SLACK_SILENT: Final = Message(
    "Slack does not answer right now",
    ("Nothing was changed. Trying again in a moment is safe.",),
    primary=TO_ATTEMPT,
    tone="stop",
)
NOVU_SILENT: Final = Message(
    "We are having problems",
    ("Nothing was changed. Trying again in a moment is safe.",),
    primary=TO_ATTEMPT,
    tone="stop",
)
NOVU_REFUSED: Final = Message(
    "We could not save that",
    ("Nothing was changed. You did nothing wrong: our team has to fix something.",),
    primary=CONTACT,
    quiet=TO_ATTEMPT,
    tone="stop",
)
MAYBE_SAVED: Final = Message(
    "We are having problems",
    ("Your choice may not be saved yet. Open the page of your connection in a minute to see where notifications go.",),
    primary=TO_ATTEMPT,
    tone="stop",
)
CHOOSE_ELSEWHERE: Final = Message(
    "Please use the browser that connected Slack",
    (
        "Only there can you choose where notifications go. Nothing was changed.",
        "If you no longer have it, open your connect link here and add {product} to Slack again.",
    ),
    tone="stop",
)
NOT_CONNECTED_NOW: Final = Message(
    "There is no connection to change",
    ("Nothing was changed. The page of your connection says how it stands.",),
    primary=TO_ATTEMPT,
    tone="stop",
)
