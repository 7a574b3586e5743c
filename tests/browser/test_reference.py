"""The reference of the API in a real browser: it fits every screen, and needs neither a mouse nor a script."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FloatRect, Page, expect

from tests.service import Service

WIDTHS = (320, 390, 600, 768, 991, 992, 1199, 1200, 1280, 1920)


@pytest.fixture
def page(browser: Browser, service: Service) -> Iterator[Page]:
    with browser.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.goto(f"{service.url}/reference")
        yield page


def box(page: Page, selector: str) -> FloatRect:
    found = page.locator(selector).first.bounding_box()
    assert found
    return found


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_widens_the_page(browser: Browser, service: Service, width: int) -> None:
    with browser.new_context(viewport={"width": width, "height": 800}) as context:
        page = context.new_page()
        page.goto(f"{service.url}/reference")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        beyond = "pre => pre.getBoundingClientRect().right > innerWidth"
        assert page.evaluate(f"[...document.querySelectorAll('pre')].filter({beyond}).length") == 0


def test_contents_stay_at_the_side_and_samples_beside_the_words(page: Page) -> None:
    side = page.get_by_role("navigation", name="Contents")
    side.get_by_role("link", name="Send a test message").click()
    expect(page.get_by_role("heading", name="Send a test message")).to_be_in_viewport()
    expect(side.get_by_role("link", name="Create an install link")).to_be_in_viewport()
    said = box(page, "section[aria-labelledby=sendTest] .said")
    sample = box(page, "section[aria-labelledby=sendTest] .sample")
    assert box(page, "nav.side")["x"] + box(page, "nav.side")["width"] <= said["x"]
    assert said["x"] + said["width"] <= sample["x"]
    assert abs(said["y"] - sample["y"]) < 8, "side by side"


def test_on_a_phone_contents_unfold_and_samples_follow_the_words(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    link = page.get_by_role("navigation", name="Contents").get_by_role("link", name="Send a test message")
    expect(link).to_have_count(0)
    page.get_by_text("Contents", exact=True).click()
    link.click()
    expect(page.get_by_role("heading", name="Send a test message")).to_be_in_viewport()
    said = box(page, "section[aria-labelledby=sendTest] .said")
    assert said["y"] + said["height"] <= box(page, "section[aria-labelledby=sendTest] .sample")["y"]


def test_the_language_is_chosen_by_keyboard_for_all_samples(page: Page) -> None:
    chosen = page.get_by_role("group", name="Samples in").get_by_role("radio")
    expect(page.locator(".sample:visible figcaption")).to_have_text(["curl"] * 15)
    chosen.first.focus()
    for label, name in (("Node", "node"), ("Python", "python")):
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("radio", name=label)).to_be_checked()
        expect(page.locator(".sample:visible figcaption")).to_have_text([label] * 15)
        expect(page.locator(f"label[for=in-{name}]")).to_have_css("outline-style", "solid")


def test_a_sample_that_is_wider_than_its_place_scrolls_by_keyboard(page: Page) -> None:
    wide = page.locator("section[aria-labelledby=sendTest] .sample.curl pre")
    wide.focus()
    expect(wide).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(wide).not_to_have_js_property("scrollLeft", 0)


def test_on_paper_there_is_nothing_to_press_and_nothing_is_cut(page: Page) -> None:
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 720, "height": 1000})
    expect(page.locator(".languages")).to_be_hidden()
    expect(page.locator(".contents:visible")).to_have_count(0)
    cut = "pre => pre.offsetParent && (pre.scrollWidth > pre.clientWidth || pre.scrollHeight > pre.clientHeight)"
    assert page.evaluate(f"[...document.querySelectorAll('pre')].filter({cut}).length") == 0
