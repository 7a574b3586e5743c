"""The only package that talks to Slack."""

from onboarding.remote.slack.bot import Bot, Channel, ChannelPage
from onboarding.remote.slack.client import Slack
from onboarding.remote.slack.errors import REASONS, REMEDIES, error_word, no, reason_of_return

__all__ = ["REASONS", "REMEDIES", "Bot", "Channel", "ChannelPage", "Slack", "error_word", "no", "reason_of_return"]
