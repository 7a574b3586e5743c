"""The least Flask app that makes the same two remote calls: no browser check, no repetition, no record, no pages.

What an install costs here is what it costs to receive two requests, to talk to Redis twice and to ask Slack and Novu
over connections that are open already. Do not use it for anything but this.
"""

from __future__ import annotations

import os
import secrets
import threading
from typing import Any

import redis
import requests
from authlib.integrations.requests_client import OAuth2Session
from flask import Flask, redirect, request
from flask.typing import ResponseReturnValue
from requests.adapters import HTTPAdapter

THREADS = 32
STATE_SECONDS = 600
SLACK, NOVU = os.environ["SLACK_URL"], os.environ["NOVU_URL"]

app = Flask(__name__)
store = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
slack_pool = HTTPAdapter(pool_maxsize=THREADS)
novu = requests.Session()
novu.mount(NOVU, HTTPAdapter(pool_maxsize=THREADS))
novu.headers["Authorization"] = f"ApiKey {os.environ['NOVU_SECRET_KEY']}"


class Slack(threading.local):
    """Authlib's session holds the token it fetched last, so each thread has one; all of them share the connections."""

    def __init__(self) -> None:
        self.session = OAuth2Session(
            os.environ["SLACK_CLIENT_ID"],
            os.environ["SLACK_CLIENT_SECRET"],
            scope=os.environ["SLACK_SCOPES"],
            redirect_uri=f"{os.environ['PUBLIC_URL']}/slack/oauth_redirect",
        )
        self.session.mount(SLACK, slack_pool)


slack = Slack()


@app.get("/slack/install")
def start() -> ResponseReturnValue:
    state = secrets.token_urlsafe(32)
    store.set(state, request.args["subscriber"], ex=STATE_SECONDS)
    url, _ = slack.session.create_authorization_url(f"{SLACK}/oauth/v2/authorize", state=state)
    return redirect(url, 303)


@app.get("/slack/oauth_redirect")
def callback() -> ResponseReturnValue:
    subscriber = store.getdel(request.args["state"])
    if not subscriber:
        return "unknown state", 400
    grant = slack.session.fetch_token(
        f"{SLACK}/api/oauth.v2.access", grant_type="authorization_code", code=request.args["code"]
    )
    novu.post(f"{NOVU}/v1/channel-connections", json=_connection(str(subscriber), grant)).raise_for_status()
    return redirect("/done", 303)


@app.get("/livez")
def livez() -> ResponseReturnValue:
    return "ok"


def _connection(subscriber: str, grant: dict[str, Any]) -> dict[str, Any]:
    return {
        "integrationIdentifier": os.environ["NOVU_INTEGRATION_IDENTIFIER"],
        "subscriberId": subscriber,
        "workspace": {"id": grant["team"]["id"], "name": grant["team"]["name"]},
        "auth": {"accessToken": grant["access_token"]},
    }
