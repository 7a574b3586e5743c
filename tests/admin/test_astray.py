"""What goes wrong inside the admin: its own page, with its navigation, and the truth about what was changed."""

from __future__ import annotations

import pytest

from tests.admin.operator import Operator


@pytest.mark.parametrize("path", ["nothing", "attempts/nothing", "events/nothing", "customers/nothing", "links/a/b"])
def test_an_address_that_leads_nowhere_keeps_the_navigation(operator: Operator, path: str) -> None:
    page = operator.open(f"/admin/{path}")
    assert page.status == 404
    assert page.heading == "There is nothing here"
    assert page.link("Attempts") == "/admin/attempts"
    assert page.link("Overview") == "/admin"


def test_strangers_do_not_learn_which_addresses_there_are(stranger: Operator) -> None:
    page = stranger.open("/admin/nothing")
    assert page.status == 303
    assert page.location == "/admin/sign-in?next=/admin/nothing"


def test_a_stale_form_says_what_to_do_and_changes_nothing(operator: Operator) -> None:
    page = operator.open("/admin/links", "POST", data={"subscriber": "subscriber-123"})
    assert page.status == 400
    assert page.heading == "Please press the button again"
    assert "Nothing was changed" in page.text
    assert page.link("Links") == "/admin/links"
    assert "No links were created here yet" in operator.open("/admin/links").text


def test_what_a_page_does_not_offer_is_refused_in_the_admin(operator: Operator, place: str) -> None:
    page = operator.submit(place, action="nonsense")
    assert page.status == 400
    assert page.heading == "We did not understand that"
    assert page.link("Connections") == "/admin/connections"


def test_a_connection_is_named_after_its_customer(operator: Operator, place: str) -> None:
    page = operator.open(operator.open(place).link("Acme Inc."))
    assert page.heading == "Acme Inc."
    assert "Connected now" in page.text
