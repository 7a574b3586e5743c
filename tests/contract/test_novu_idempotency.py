"""Idempotency keys, as both clients meet them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import requests

from onboarding.sandbox.novu import Options, create_novu
from onboarding.sandbox.serve import serving
from tests.contract.clients import Ask, Client, Official, Ours, Refused, Seen
from tests.contract.wire import Tap
from tests.sandbox.clients import NovuSite

Make = Callable[..., NovuSite]


@pytest.fixture
def make(session: requests.Session) -> Iterator[Make]:
    with ExitStack() as stack:

        def make(*keys: str, idempotency: bool = True, legacy: bool = False) -> NovuSite:
            app = create_novu(*keys, idempotency=idempotency, options=Options(legacy_idempotency=legacy))
            return NovuSite(stack.enter_context(serving(app)), app.extensions["novu"], session)

        yield make


def both(url: str, key: str = "sandbox-novu-key") -> list[Client]:
    return [Official(url, key), Ours(url, key)]


def refusal(call: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as caught:
        call()
    return caught.value


def test_a_chosen_key_is_sent_as_it_is(client: Client, tap: Tap) -> None:
    client.create(Ask(), "attempt.1")
    client.update("mine", Ask(), "attempt.2")
    assert tap.keys == ["attempt.1", "attempt.2"]


def test_the_same_key_and_body_replay_the_answer(client: Client, local: NovuSite) -> None:
    assert client.create(Ask(), "key") == client.create(Ask(), "key")
    assert len(local.state.connections) == 1


def test_one_client_cannot_replay_what_the_other_asked(official: Official, ours: Ours, local: NovuSite) -> None:
    """They write the same members in another order, which Novu takes for another body."""
    official.create(Ask(), "key")
    assert refusal(lambda: ours.create(Ask(), "key")).status == 422


def test_an_error_is_replayed_after_its_cause_is_gone(client: Client, local: NovuSite) -> None:
    lacking = Ask(subscriber="late")
    first = refusal(lambda: client.create(lacking, "key"))
    local.state.environment.add_subscriber("late")
    second = refusal(lambda: client.create(lacking, "key"))
    assert (first.status, first.message) == (second.status, second.message) == (404, "Subscriber not found: late")
    assert client.create(lacking, "another key").subscriber == "late"


def test_an_older_novu_replays_an_error_as_503(make: Make) -> None:
    site = make(legacy=True)
    for number, client in enumerate(both(site.url)):
        key, ask = f"key-{number}", Ask(subscriber="nobody")
        statuses = [refusal(lambda c=client, a=ask, k=key: c.create(a, k)).status for _ in range(2)]  # type: ignore[misc]
        assert statuses == [404, 503]


def test_a_key_in_use_says_when_to_come_back(client: Client, local: NovuSite) -> None:
    first = threading.Thread(target=lambda: Ours(local.url).create(Ask(), "key"))
    with local.state.environment.lock:
        first.start()
        while not local.state.idempotency.is_busy("key"):
            pass
        refused = refusal(lambda: client.create(Ask(workspace="T2"), "key"))
    first.join()
    assert refused.status == 409
    assert refused.message == 'Request with key "key" is currently being processed. Please retry after 1 second'


def test_a_key_for_another_body_is_refused(client: Client) -> None:
    client.create(Ask(), "key")
    refused = refusal(lambda: client.create(Ask(workspace="T2"), "key"))
    assert refused.status == 422
    assert refused.message == 'Request with key "key" is being reused for a different body'


def test_a_key_is_taken_across_methods_and_paths(client: Client) -> None:
    """Novu keeps it by organisation alone: a PATCH under a POST's key meets the POST."""
    client.create(Ask(), "key")
    assert refusal(lambda: client.update("mine", Ask(), "key")).status == 422


def test_a_long_key_is_refused(client: Client) -> None:
    refused = refusal(lambda: client.create(Ask(), "x" * 256))
    assert refused.status == 400
    assert client.create(Ask(), "x" * 255).identifier == "mine"


def test_a_lost_answer_is_found_again_under_its_key(client: Client, local: NovuSite) -> None:
    local.suffer("error_after_commit")
    assert refusal(lambda: client.create(Ask(), "key")).status == 500
    assert client.create(Ask(), "key").identifier == "mine"
    assert len(local.state.connections) == 1


def test_an_answer_cut_short_is_found_again_under_its_key(client: Client, local: NovuSite) -> None:
    local.suffer("truncated")
    refusal(lambda: client.create(Ask(), "key"))
    assert client.create(Ask(), "key").identifier == "mine"


def test_environments_of_one_organisation_share_a_key(make: Make) -> None:
    site = make("one", "two")
    for index in range(2):
        first, second = both(site.url, "one")[index], both(site.url, "two")[index]
        made: list[Seen] = [
            each.create(Ask(f"c-{index}", context={"n": str(index)}), f"k{index}") for each in (first, second)
        ]
        assert made[0] == made[1]
    assert [len(environment.connections) for environment in site.state.environments] == [2, 0]


def test_without_the_feature_a_key_means_nothing(make: Make) -> None:
    for client in both(make(idempotency=False).url):
        client.create(Ask(), "key")
        assert refusal(lambda c=client: c.create(Ask(), "key")).status == 409  # type: ignore[misc]
        client.delete("mine")


def test_reading_and_deleting_take_no_key(official: Official, tap: Tap) -> None:
    """novu-py sends one all the same."""
    official.create(Ask(), "key")
    calls = official.sdk.channel_connections
    for _ in range(2):
        assert calls.retrieve(identifier="mine", idempotency_key="key").result.identifier == "mine"
    assert "idempotency-key" not in calls.retrieve(identifier="mine", idempotency_key="key").headers
    calls.delete(identifier="mine", idempotency_key="key")
    assert tap.keys == ["key"] * 5
