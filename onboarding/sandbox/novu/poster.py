"""How the local Novu posts to Slack, and how it words what goes wrong."""

from __future__ import annotations

from typing import Any, Final

import requests

from onboarding.sandbox.novu.model import Endpoint

SECONDS: Final = 5
PROVIDERS: Final = frozenset({"slack", "novu-slack"})
ELSEWHERE: Final = "This local Novu posts to the webhooks of its local Slack only."
NOT_SLACK: Final = "This local Novu delivers to Slack only."
UNREACHABLE: Final = "Slack did not answer."


class Poster:
    """Gives an empty text for a message that was taken, and otherwise the reason. For one thread."""

    def __init__(self, slack_url: str) -> None:
        self._url = slack_url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False

    def post(self, endpoint: Endpoint, token: str, text: str) -> str:
        target = endpoint.endpoint
        try:
            match endpoint.type if endpoint.integration.provider_id in PROVIDERS else "":
                case "slack_channel":
                    return self._post_message(token, target["channelId"], text)
                case "slack_user":
                    return self._post_message(token, target["userId"], text)
                case "webhook":
                    return self._post_to_webhook(target["url"], {"text": text, **_channel(target.get("channel"))})
                case _:
                    return NOT_SLACK
        except (requests.RequestException, UnicodeError):
            return UNREACHABLE

    def _post_message(self, token: str, channel: str, text: str) -> str:
        """Without a connection the token is empty, and Novu asks all the same."""
        headers = {"Authorization": f"Bearer {token}".encode()}
        answer = self._send(f"{self._url}/api/chat.postMessage", {"channel": channel, "text": text}, headers)
        try:
            body = answer.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return f"Slack answered {answer.status_code} without JSON."
        return "" if body.get("ok") is True else f"Slack API Error: {body.get('error')}"

    def _post_to_webhook(self, url: str, body: dict[str, str]) -> str:
        if not url.startswith(f"{self._url}/"):
            return ELSEWHERE
        return "" if self._send(url, body, {}).text == "ok" else "Slack Webhook Error"

    def _send(self, url: str, body: dict[str, str], headers: dict[str, Any]) -> requests.Response:
        return self._session.post(url, json=body, headers=headers, timeout=SECONDS, allow_redirects=False)


def _channel(name: str | None) -> dict[str, str]:
    return {"channel": name} if name else {}
