"""What Slack tells us: its Events API."""

from onboarding.web.slack.events import slack_events

__all__ = ["slack_events"]
