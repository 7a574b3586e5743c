"""A real Chromium in front of the service as in production."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from onboarding.sandbox.issuer import IssuerApp, create_issuer
from onboarding.sandbox.serve import serving
from onboarding.settings import environment
from onboarding.wiring import Wiring, wire
from tests import chromium
from tests.admin.operator import PASSWORD
from tests.api.host import KEY
from tests.browser.visitor import Visitor
from tests.conftest import MintLink
from tests.fakes import LocalSlack
from tests.postgres import Databases
from tests.service import Service, free_port, running
from tests.witness import Witness


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.find(), chromium_sandbox=os.geteuid() != 0, args=list(chromium.FLAGS)
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as context:
        yield context.new_page()


@pytest.fixture(scope="session")
def issuer() -> Iterator[str]:
    with serving(create_issuer(IssuerApp())) as url:
        yield url


@pytest.fixture(scope="session")
def service(
    base_env: dict[str, str], issuer: str, tmp_path_factory: pytest.TempPathFactory, witness: Witness
) -> Iterator[Service]:
    port, log = free_port(), tmp_path_factory.mktemp("service") / "log"
    witness.secrets |= {PASSWORD, KEY, "sandbox-issuer-secret"}
    admin = {
        "ADMIN_PASSWORD": PASSWORD,
        "API_KEYS": KEY,
        "OIDC_ISSUER": issuer,
        "OIDC_CLIENT_ID": "sandbox-admin",
        "OIDC_CLIENT_SECRET": "sandbox-issuer-secret",
        "OIDC_ALLOWED_EMAILS": "@sprocket.example",
        "OIDC_OPERATOR_EMAILS": "operator@sprocket.example",
    }
    with running({**base_env, **admin, "PUBLIC_URL": f"http://127.0.0.1:{port}"}, log, port) as service:
        yield service
    witness.saw(log.read_text("utf-8"))


@pytest.fixture
def database_url(databases: Databases, base_env: dict[str, str]) -> str:
    """The one service that all tests share stays connected to its database."""
    databases.empty(base_env["DATABASE_URL"])
    return base_env["DATABASE_URL"]


@pytest.fixture
def wiring(env: dict[str, str], service: Service) -> Iterator[Wiring]:
    """The service's own parts, from behind."""
    with closing(wire(environment.load({**env, "PUBLIC_URL": service.url}))) as wiring:
        yield wiring


@pytest.fixture
def mint(wiring: Wiring, service: Service) -> MintLink:
    """Mints an install link and gives its whole address."""

    def mint(expires_in: timedelta | None = None, **fields: object) -> str:
        payload = {"subscriberId": "subscriber-123", "account": "Acme Inc.", **fields}
        link = wiring.links.mint(payload, expires_in, wiring.clock())
        return f"{service.url}/install/{wiring.links.sign(link)}"

    return mint


@pytest.fixture
def visitor(env: dict[str, str], page: Page, witness: Witness) -> Visitor:
    return Visitor(page, witness)


@pytest.fixture
def stranger(browser: Browser, slack: LocalSlack, witness: Witness) -> Iterator[Visitor]:
    """Somebody else, with cookies of their own."""
    with browser.new_context() as context:
        yield Visitor(context.new_page(), witness)


@pytest.fixture
def operator(visitor: Visitor, service: Service) -> Visitor:
    """Somebody who is signed in, and looks at the overview."""
    visitor.open(f"{service.url}/admin")
    visitor.page.get_by_label("Password").fill(PASSWORD)
    visitor.page.get_by_role("button", name="Sign in").click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Overview")
    return visitor
