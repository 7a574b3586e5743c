"""Links taken back: nothing starts from them, and nothing that was started goes on."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qs, urlsplit

import pytest

from onboarding.ledger.audit import Action
from onboarding.wiring import Wiring
from tests.api.host import Host, path_of
from tests.conftest import MintLink
from tests.fakes import LocalNovu
from tests.person import Person

REVOKED = "This link is no longer valid"


def test_a_revoked_link_answers_410(host: Host, person: Person) -> None:
    made = host.link()
    field = person.open(path_of(made)).source.split('name="csrf_token" value="')[1].split('"')[0]
    answer = host.revoke(made["id"])
    assert (answer.status, answer.body) == (204, None)
    assert "Content-Type" not in answer.headers
    for page in (person.open(path_of(made)), person.open(path_of(made), "POST", data={"csrf_token": field})):
        assert (page.status, page.heading) == (410, REVOKED)


def test_an_attempt_that_was_started_before_cannot_be_completed(host: Host, person: Person, novu: LocalNovu) -> None:
    made = host.link()
    back = person.come_back(path_of(made))
    host.revoke(made["id"])
    page = person.open(back)
    assert (page.status, page.heading) == (410, REVOKED)
    assert novu.state.connections == ()


def test_a_link_that_the_host_signed_itself_can_be_revoked(
    host: Host, person: Person, mint: MintLink, wiring: Wiring
) -> None:
    path = mint()
    link_id = wiring.links.open(path.rpartition("/")[2], wiring.clock()).id
    assert host.revoke(link_id).status == 204
    assert person.open(path).status == 410


def test_revoking_changes_no_other_link(host: Host, person: Person) -> None:
    first, second = host.link(), host.link()
    host.revoke(first["id"])
    assert person.open(path_of(second)).status == 200


def test_a_link_can_be_revoked_again(host: Host) -> None:
    made = host.link()
    assert [host.revoke(made["id"]).status for _ in range(3)] == [204, 204, 204]


@pytest.mark.parametrize("link_id", ["x", "a" * 21, "a" * 23, "a" * 21 + "%0A", "a" * 21 + "!", "a%2Fb", "é" * 22, "*"])
def test_what_cannot_be_an_id_is_not_found(host: Host, wiring: Wiring, link_id: str) -> None:
    assert host.revoke(link_id).status == 404
    assert wiring.ledger.audit.read(10).entries == ()


def test_it_is_written_down_who_revoked_the_link(host: Host, wiring: Wiring) -> None:
    unknown = secrets.token_urlsafe(16)
    host.revoke(unknown)
    [entry] = wiring.ledger.audit.read(10).entries
    assert (entry.action, entry.target) == (Action.REVOKED, unknown)
    assert entry.actor.startswith("API key ")


def test_a_revoked_link_comes_again_under_its_key_and_stays_revoked(host: Host, person: Person) -> None:
    made = host.create(key="order-1").body
    host.revoke(made["id"])
    assert host.create(key="order-1").body == made
    assert person.open(path_of(made)).status == 410


def test_the_return_url_names_the_attempt_of_the_api(host: Host, person: Person) -> None:
    made = host.link(returnUrl="https://app.example.com/done", destination="none")
    back = person.install(path_of(made)).link("Back to Sprocket")
    [attempt_id] = parse_qs(urlsplit(back).query)["attempt"]
    assert host.get(f"/v1/attempts/{attempt_id}").body["status"] == "connected"
