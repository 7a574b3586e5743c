"""One page for each customer: what is connected now, and everything that led there."""

from __future__ import annotations

from onboarding.wiring import Wiring
from tests.admin.operator import Operator
from tests.fakes import LocalNovu
from tests.person import Person


def test_it_shows_connection_attempts_and_events(
    operator: Operator, person: Person, link: str, novu: LocalNovu, wiring: Wiring
) -> None:
    person.open(person.come_back(link, decision="cancel"))
    back = person.open(person.come_back(link))
    owner = novu.state.connections[0].identifier
    page = operator.open(f"/admin/attempts/{back.location.rpartition('/')[2]}")
    assert page.link("Everything about this customer") == f"/admin/customers/{owner}"
    page = operator.open(f"/admin/customers/{owner}")
    assert page.heading == "Acme Inc."
    assert "Acme HQ T9TK3CUKW" in page.text
    assert "Cancelled" in page.text
    assert page.link("Acme HQ") == f"/admin/connections/{owner}"
    assert wiring.ledger.connections.by_owner(owner)


def test_it_says_where_notifications_go(operator: Operator, place: str) -> None:
    operator.do(place, place, action="choose", place="U9TK3CUKW")
    page = operator.open(operator.open(place).link("Acme Inc."))
    assert "To the app's direct messages with U9TK3CUKW Manage" in page.text


def test_a_customer_nobody_has_heard_of_is_not_there(operator: Operator) -> None:
    for owner in ("chconn_nobody", "%00", "%ED%A0%80", "x" * 3000):
        assert operator.open(f"/admin/customers/{owner}").status == 404
