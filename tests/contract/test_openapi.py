"""The local Novu keeps to its own description, whatever it is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from onboarding.sandbox.novu import Novu, create_novu
from onboarding.sandbox.novu.description import document
from onboarding.sandbox.serve import serving
from tests.sandbox.clients import KEY, connection
from tests.sandbox.novu_clients import endpoint

HEADERS: Final = {"Authorization": f"ApiKey {KEY}"}
KNOWN: Final = {"integrationIdentifier": "slack-prod", "subscriberId": "subscriber-123", "connectionIdentifier": ""}
CHECKS: Final = (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
BOUNDED: Final = settings(
    max_examples=40,
    stateful_step_count=8,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


API: Final = schemathesis.openapi.from_dict({**document(), "security": []})
"""Without the key: the tests send it, or leave it out, themselves."""
OPERATIONS: Final[list[Any]] = [found.ok() for found in API.get_all_operations() if isinstance(found, Ok)]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(create_novu(idempotency=True)) as url:
        for path, body in (("connections", connection(identifier="mine")), ("endpoints", endpoint(identifier="mine"))):
            requests.post(f"{url}/v1/channel-{path}", json=body, headers=HEADERS, timeout=5).raise_for_status()
        yield url


def _point_at_what_is_there(case: Any) -> None:
    """Random names find nothing, and a 404 would hide what comes of the rest."""
    if isinstance(case.body, dict):
        for name, known in KNOWN.items():
            if isinstance(case.body.get(name), str):
                case.body[name] = known


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_every_answer_is_described(url: str, operation: Any, mode: GenerationMode) -> None:
    checks = [*CHECKS]
    if operation.label not in {"GET /v1/channel-connections", "GET /v1/channel-endpoints"}:
        # A malformed cursor crashes Novu, and so it does here.
        checks.append(not_a_server_error)
    if operation.body:
        # A query cannot say what type its values are of.
        checks.append(negative_data_rejection)

    @BOUNDED
    @given(case=operation.as_strategy(generation_mode=mode))
    def keeps_to_it(case: Any) -> None:
        _point_at_what_is_there(case)
        if operation.label.startswith("PATCH"):
            case.path_parameters["identifier"] = "mine"
        case.call_and_validate(base_url=url, headers=HEADERS, checks=checks)

    try:
        keeps_to_it()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, "there is nothing to get wrong"


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_no_operation_works_without_a_key(url: str, operation: Any) -> None:
    case = operation.Case(path_parameters={"identifier": "mine"})
    answer = case.call(base_url=url)
    case.validate_response(answer, checks=[response_schema_conformance, status_code_conformance])
    assert answer.status_code == 401


def _aim_alike(case: Any) -> None:
    """Only a target of the same type can take the place of another."""
    if isinstance(case.body, dict) and "endpoint" in case.body:
        case.body |= {"endpoint": {"channelId": "C1"}} | ({"type": "slack_channel"} if "type" in case.body else {})


@pytest.mark.parametrize(("noun", "elsewhere"), [("connections", "endpoints|events"), ("endpoints", "connections")])
def test_what_was_created_can_be_followed(noun: str, elsewhere: str) -> None:
    """Random walks along the links: create, then retrieve, update, verify, delete, in any order."""
    api = API.exclude(path_regex=elsewhere)
    app = create_novu(idempotency=True)
    novu: Novu = app.extensions["novu"]

    class Walk(api.as_state_machine()):  # type: ignore[misc]
        def setup(self) -> None:
            novu.reset()

        def before_call(self, case: Any) -> None:
            _point_at_what_is_there(case)
            _aim_alike(case)

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": HEADERS, "base_url": url}

        def validate_response(self, response: Any, case: Any, *args: Any, **kwargs: Any) -> None:
            answered.add((case.operation.label, response.status_code))
            case.validate_response(response, checks=[response_schema_conformance, status_code_conformance])

    answered: set[tuple[str, int]] = set()
    with serving(app) as url:
        Walk.run(settings=settings(BOUNDED, max_examples=100))
    one = f"/v1/channel-{noun}/{{identifier}}"
    assert {("GET " + one, 200), ("PATCH " + one, 200), ("DELETE " + one, 204)} <= answered
    assert noun == "endpoints" or (f"POST {one}/verify", 200) in answered


def test_the_description_is_for_everybody(url: str) -> None:
    answer = requests.get(f"{url}/openapi.json", timeout=5)
    assert answer.json()["openapi"] == "3.1.0"
    assert set(answer.json()["paths"]) == {
        "/v1/channel-connections",
        "/v1/channel-connections/{identifier}",
        "/v1/channel-connections/{identifier}/verify",
        "/v1/channel-endpoints",
        "/v1/channel-endpoints/{identifier}",
        "/v1/events/trigger",
        "/v1/integrations",
        "/v2/subscribers",
    }
