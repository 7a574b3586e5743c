"""Pages with a product's own colour and logo, as people see them."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Visitor
from tests.conftest import MintLink
from tests.service import Service, free_port, running
from tests.witness import Witness

DRAWING = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><path d="M0 0h64v64H0z" fill="#c2410c"/></svg>'
)
BRAND = {
    "ACCENT_COLOR": "#c2410c",
    "PRODUCT_LOGO_URL": f"data:image/svg+xml;base64,{base64.b64encode(DRAWING).decode()}",
    "PRODUCT_NAME": "Sprocket " + "W" * 71,
    "PRIVACY_URL": "https://sprocket.example/privacy",
}
ACCENT = "rgb(194, 65, 12)"


@pytest.fixture(scope="session")
def service(base_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory, witness: Witness) -> Iterator[Service]:
    port, log = free_port(), tmp_path_factory.mktemp("branded") / "log"
    with running({**base_env, **BRAND, "PUBLIC_URL": f"http://127.0.0.1:{port}"}, log, port) as service:
        yield service
    witness.saw(log.read_text("utf-8"))


def test_every_page_of_the_journey_is_readable(visitor: Visitor, mint: MintLink) -> None:
    link = mint(returnUrl="https://app.example.com/settings")
    visitor.open(link)
    visitor.look("branded-landing")
    visitor.install(link)
    expect(visitor.page.locator("h1")).to_have_text("Acme HQ is connected")
    visitor.look("branded-connected")
    visitor.page.get_by_role("link", name="Choose a channel").click()
    visitor.look("branded-choose")


def test_the_logo_is_shown_and_the_button_has_the_products_colour(visitor: Visitor, mint: MintLink) -> None:
    visitor.install(mint())
    visitor.page.emulate_media(color_scheme="light")
    logo = visitor.page.get_by_role("img", name=BRAND["PRODUCT_NAME"])
    assert logo.evaluate("each => each.complete && each.naturalWidth") == 64
    button = visitor.page.get_by_role("link", name="Choose a channel")
    assert button.evaluate("each => getComputedStyle(each).backgroundColor") == ACCENT
