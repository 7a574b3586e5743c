"""A local Slack and a local Novu, new for each test, with pauses a test can afford."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from flask import Flask

from onboarding.sandbox.novu import Options, create_novu
from onboarding.sandbox.serve import serving
from onboarding.sandbox.slack import SlackApp, create_slack
from tests.sandbox.clients import NovuSite, SlackSite
from tests.sandbox.slack_events import SECRET, Recorder


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def slack_site(session: requests.Session) -> Iterator[SlackSite]:
    app = create_slack(SlackApp(), slow_seconds=0.2, hang_seconds=30)
    with serving(app) as url:
        yield SlackSite(url, app.extensions["slack"], session)


@pytest.fixture
def app() -> Iterator[Recorder]:
    """The app that a local Slack tells of events."""
    app, recorder = Flask("recorder"), Recorder()
    app.add_url_rule("/<path:_>", "hear", lambda _: recorder.hear(), methods=["POST"])
    with serving(app) as url:
        recorder.url = url
        yield recorder
    assert recorder.forged == []


@pytest.fixture
def site(app: Recorder, session: requests.Session) -> Iterator[SlackSite]:
    """A local Slack that sends events to `app`, with waits a test can afford."""
    slack = SlackApp(signing_secret=SECRET)
    made = create_slack(slack, events_url=f"{app.url}/slack/events", retry_waits=(0, 0.2, 0.4))
    with serving(made) as url:
        yield SlackSite(url, made.extensions["slack"], session)
    made.extensions["slack"].reset()


@pytest.fixture
def novu_site(session: requests.Session) -> Iterator[NovuSite]:
    app = create_novu(options=Options(slow_seconds=0.2))
    with serving(app) as url:
        yield NovuSite(url, app.extensions["novu"], session)


@pytest.fixture
def idempotent_novu(session: requests.Session) -> Iterator[NovuSite]:
    app = create_novu(idempotency=True)
    with serving(app) as url:
        yield NovuSite(url, app.extensions["novu"], session)
