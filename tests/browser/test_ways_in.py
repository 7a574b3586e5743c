"""Clicks that take a way of their own to Slack."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask, redirect, request
from playwright.sync_api import expect
from werkzeug.wrappers import Response

from onboarding.sandbox.serve import serving
from tests.browser.visitor import Visitor
from tests.conftest import MintLink
from tests.fakes import LocalSlack
from tests.service import Service, free_port, running


@pytest.fixture
def sign_in_host(slack: LocalSlack) -> Flask:
    """A company's own sign-in, on another host, between our button and Slack's page."""
    site = Flask("sign_in")

    @site.get("/oauth/v2/authorize")
    def gateway() -> Response:
        """As Slack's address looks from inside the company."""
        return redirect(f"http://localhost:{request.host.rpartition(':')[2]}/sso?{request.query_string.decode()}")

    @site.get("/sso")
    def sso() -> Response:
        return redirect(f"{slack.url}/oauth/v2/authorize?{request.query_string.decode()}", 303)

    return site


def test_the_click_leads_through_whatever_host_a_company_signs_its_people_in_with(
    visitor: Visitor, env: dict[str, str], mint: MintLink, service: Service, sign_in_host: Flask, tmp_path: Path
) -> None:
    path = mint().removeprefix(service.url)
    with serving(sign_in_host) as gateway:
        port = free_port()
        ours = {**env, "SLACK_URL": gateway, "PUBLIC_URL": f"http://127.0.0.1:{port}"}
        with running(ours, tmp_path / "log", port) as other:
            visitor.add_to_slack(f"{other.url}{path}")
            assert visitor.page.url.startswith(env["SLACK_URL"])


def test_a_second_name_of_our_host_leads_home(visitor: Visitor, mint: MintLink, service: Service) -> None:
    link = mint()
    visitor.open(link.replace("127.0.0.1", "localhost"))
    visitor.page.get_by_role("button", name="Add to Slack").click()
    expect(visitor.page.locator("h1")).to_have_text("Please press the button again")
    visitor.page.get_by_role("link", name="Open the page again").click()
    assert visitor.page.url == link
    visitor.page.get_by_role("button", name="Add to Slack").click()
    visitor.allow()
    assert visitor.heading == "Acme HQ is connected"
