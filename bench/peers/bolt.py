"""Slack Bolt for Python as its documentation shows it, with Redis for its stores and one call to Novu.

Bolt has no install links, so the subscriber is the Slack user who installs. Slack's client and requests are used the
way their documentation uses them. On Python 3.11, Slack's client then loads all certificate authorities for each call;
later versions of Python load them once per process, and so does 3.11 with ONE_TLS_CONTEXT set.
"""

from __future__ import annotations

import json
import logging
import os
import ssl
import uuid
from logging import Logger

import redis
import requests
from flask import Flask, request
from flask.typing import ResponseReturnValue
from slack_bolt import App, BoltResponse
from slack_bolt.adapter.flask import SlackRequestHandler
from slack_bolt.oauth.callback_options import CallbackOptions, FailureArgs, SuccessArgs
from slack_bolt.oauth.oauth_settings import OAuthSettings
from slack_sdk import WebClient
from slack_sdk.oauth import InstallationStore, OAuthStateStore
from slack_sdk.oauth.installation_store import Bot, Installation

STATE_SECONDS = 600

store = redis.Redis.from_url(os.environ["REDIS_URL"])


class RedisStateStore(OAuthStateStore):
    @property
    def logger(self) -> Logger:
        return logging.getLogger(__name__)

    def issue(self, *_args: object, **_kwargs: object) -> str:
        state = str(uuid.uuid4())
        store.set(f"state:{state}", "1", ex=STATE_SECONDS)
        return state

    def consume(self, state: str) -> bool:
        return store.delete(f"state:{state}") == 1


class RedisInstallationStore(InstallationStore):
    """Keeps the latest bot and the latest installation of each workspace, and of each person in it."""

    @property
    def logger(self) -> Logger:
        return logging.getLogger(__name__)

    def save(self, installation: Installation) -> None:
        workspace = _workspace(installation.enterprise_id, installation.team_id)
        entry = json.dumps(vars(installation))
        with store.pipeline(transaction=False) as pipeline:
            pipeline.set(f"bot:{workspace}", json.dumps(vars(installation.to_bot())))
            pipeline.set(f"installation:{workspace}", entry)
            pipeline.set(f"installation:{workspace}:{installation.user_id}", entry)
            pipeline.execute()

    def find_bot(
        self, *, enterprise_id: str | None, team_id: str | None, is_enterprise_install: bool | None = False
    ) -> Bot | None:
        found = store.get(f"bot:{_workspace(enterprise_id, None if is_enterprise_install else team_id)}")
        return Bot(**json.loads(found)) if found else None

    def find_installation(
        self,
        *,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None = None,
        is_enterprise_install: bool | None = False,
    ) -> Installation | None:
        workspace = _workspace(enterprise_id, None if is_enterprise_install else team_id)
        found = store.get(f"installation:{workspace}:{user_id}" if user_id else f"installation:{workspace}")
        return Installation(**json.loads(found)) if found else None


def _workspace(enterprise_id: str | None, team_id: str | None) -> str:
    return f"{enterprise_id or 'none'}-{team_id or 'none'}"


def succeeded(args: SuccessArgs) -> BoltResponse:
    installation = args.installation
    response = requests.post(
        f"{os.environ['NOVU_URL']}/v1/channel-connections",
        headers={"Authorization": f"ApiKey {os.environ['NOVU_SECRET_KEY']}"},
        json={
            "integrationIdentifier": os.environ["NOVU_INTEGRATION_IDENTIFIER"],
            "subscriberId": installation.user_id,
            "workspace": {"id": installation.team_id, "name": installation.team_name},
            "auth": {"accessToken": installation.bot_token},
        },
        timeout=10,
    )
    response.raise_for_status()
    return args.default.success(args)


def failed(args: FailureArgs) -> BoltResponse:
    return args.default.failure(args)


bolt = App(
    signing_secret=os.environ["SLACK_SIGNING_SECRET"],
    client=WebClient(
        base_url=f"{os.environ['SLACK_URL']}/api/",
        ssl=ssl.create_default_context() if os.environ.get("ONE_TLS_CONTEXT") else None,
    ),
    oauth_settings=OAuthSettings(
        client_id=os.environ["SLACK_CLIENT_ID"],
        client_secret=os.environ["SLACK_CLIENT_SECRET"],
        scopes=os.environ["SLACK_SCOPES"].split(","),
        redirect_uri=f"{os.environ['PUBLIC_URL']}/slack/oauth_redirect",
        authorization_url=f"{os.environ['SLACK_URL']}/oauth/v2/authorize",
        state_store=RedisStateStore(),
        installation_store=RedisInstallationStore(),
        callback_options=CallbackOptions(success=succeeded, failure=failed),
    ),
)
handler = SlackRequestHandler(bolt)
app = Flask(__name__)


@app.get("/slack/install")
@app.get("/slack/oauth_redirect")
def slack() -> ResponseReturnValue:
    return handler.handle(request)


@app.get("/livez")
def livez() -> ResponseReturnValue:
    return "ok"
