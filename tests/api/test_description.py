"""The service keeps to its own description, whatever it is sent."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import unquote

import pytest
import requests
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, assume, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from onboarding.ephemeral.limits import API_CALLS, TEST_MESSAGES, Limit
from onboarding.ledger.events import WantedEvents
from onboarding.model import Reason, Status
from onboarding.sandbox.serve import serving
from onboarding.web.admin import attempt_words
from onboarding.web.api import status_tokens
from onboarding.web.api.callers import Caller
from onboarding.web.api.creation import FIELDS
from onboarding.web.api.schemas import EVENTS
from onboarding.web.api.shapes import PATH_SEGMENT
from onboarding.wiring import Wiring
from tests.api.host import KEY, KEYS, Host, path_of
from tests.fakes import LocalNovu
from tests.person import Person

MINE: Final = "mine"
ARGUMENT: Final = re.compile("<[a-z]+_id>")
EVENT_ID: Final = re.compile("evt_[0-9a-f]{32}")
HEADERS: Final = {"Authorization": f"Bearer {KEY}"}
LABELS: Final = (
    "POST /v1/links",
    "DELETE /v1/links/{id}",
    "GET /v1/attempts",
    "GET /v1/attempts/{id}",
    "GET /v1/connections",
    "GET /v1/connections/{identifier}",
    "DELETE /v1/connections/{identifier}",
    "POST /v1/connections/{identifier}/check",
    "POST /v1/connections/{identifier}/reconnect",
    "GET /v1/connections/{identifier}/channels",
    "PUT /v1/connections/{identifier}/destination",
    "POST /v1/connections/{identifier}/test",
    "GET /v1/events",
    "POST /v1/events/{id}/redeliver",
    "POST /v1/status-tokens",
)
CHECKS: Final = [
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    not_a_server_error,
    negative_data_rejection,
]
ASCII: Final = SchemathesisConfig.from_dict({"generation": {"codec": "ascii", "allow-x00": False}})
BOUNDED: Final = settings(
    max_examples=80,
    stateful_step_count=6,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class Description:
    """The served document, and the service behind it, which never tires of being asked."""

    def __init__(self, url: str, wiring: Wiring) -> None:
        self.url = url
        self.document: dict[str, Any] = requests.get(f"{url}/openapi.json", timeout=5).json()
        self.answered: Counter[tuple[str, int]] = Counter()
        self._wiring = wiring

    def api(self, config: SchemathesisConfig | None = None) -> Any:
        """Without the key: the tests send it, or leave it out, themselves."""
        return schemathesis.openapi.from_dict({**self.document, "security": []}, config=config)

    def operation(self, label: str, config: SchemathesisConfig | None = None) -> Any:
        return next(found.ok() for found in self.api(config).get_all_operations() if found.ok().label == label)

    def ask(self, case: Any) -> Any:
        self.forgive()
        answer = case.call(base_url=self.url, headers=HEADERS)
        case.validate_response(answer, checks=CHECKS)
        self.answered[case.operation.label, answer.status_code] += 1
        return answer

    def point_at_what_is_there(self, case: Any) -> None:
        """A random identifier finds nothing, and a 404 would hide what comes of the rest."""
        given = (case.path_parameters or {}).get("identifier", "")
        if isinstance(given, str) and re.fullmatch(PATH_SEGMENT, unquote(given)):
            case.path_parameters["identifier"] = MINE
        if case.path.startswith("/v1/events/") and EVENT_ID.fullmatch(str(case.path_parameters.get("id"))):
            case.path_parameters["id"] = self._wiring.ledger.events.find(WantedEvents())[0][0].id

    def forgive(self) -> None:
        for key in self._wiring.settings.api_keys:
            self._wiring.ephemeral.limits.forgive(Limit(API_CALLS, Caller(key).fingerprint))
        made = self._wiring.ledger.connections.find(MINE)
        assert made
        self._wiring.ephemeral.limits.forgive(Limit(TEST_MESSAGES, made.owner))


@pytest.fixture
def described(app: Flask, wiring: Wiring, person: Person, host: Host, novu: LocalNovu) -> Iterator[Description]:
    """With attempts of each kind to find."""
    person.add_to_slack(path_of(host.link()))
    person.install(path_of(host.link(context={"tenant": "org-1"}, identifier=MINE)))
    assert host.point(MINE, userId="U9TK3CUKW").status == 200
    person.install(path_of(host.link()), decision="cancel")
    person.install(path_of(host.link()), outcome="not_permitted")
    novu.suffer("unauthorized")
    person.install(path_of(host.link()))
    novu.suffer("none")
    with serving(app) as url:
        described = Description(url, wiring)
        yield described
    print(f"{described.answered.total()} cases: {dict(described.answered)}")


def case_of(operation: Any) -> Any:
    """A call of the operation."""
    body = {"body": {}, "media_type": "application/json"} if operation.body else {}
    return operation.Case(path_parameters={"id": "a" * 22, "identifier": MINE}, **body)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("label", LABELS)
def test_every_answer_is_described(described: Description, label: str, mode: GenerationMode) -> None:
    operation = described.operation(label)

    @BOUNDED
    @given(case=operation.as_strategy(generation_mode=mode))
    def keeps_to_it(case: Any) -> None:
        described.point_at_what_is_there(case)
        # An empty object has no text in a query: what arrives is an empty parameter, which is as good as none.
        assume(not any(value == {} for value in (case.query or {}).values()))
        described.ask(case)

    keeps_to_it()
    assert described.answered.total() >= BOUNDED.max_examples


@pytest.mark.parametrize("label", ["POST /v1/links", "POST /v1/status-tokens"])
def test_what_is_described_is_taken(described: Description, label: str) -> None:
    """In ASCII, where a pattern can say what is printable; what makes a URL good, or a NUL deep inside, none says."""

    @BOUNDED
    @given(case=described.operation(label, ASCII).as_strategy())
    def takes(case: Any) -> None:
        case.headers = {}
        if case.body.get("returnUrl"):
            case.body["returnUrl"] = "https://app.example.com/"
        answer = described.ask(case)
        assert answer.status_code == 201, answer.text

    takes()


@pytest.mark.parametrize("label", LABELS)
def test_no_call_works_without_a_key(described: Description, label: str) -> None:
    case = case_of(described.operation(label))
    answer = case.call(base_url=described.url)
    case.validate_response(answer, checks=CHECKS[:-1])
    assert answer.status_code == 401


@pytest.mark.parametrize("label", LABELS)
def test_calling_too_often_is_described(described: Description, label: str) -> None:
    session = requests.Session()
    while session.get(f"{described.url}/v1/nothing", headers=HEADERS, timeout=5).status_code == 404:
        pass
    case = case_of(described.operation(label))
    answer = case.call(base_url=described.url, headers=HEADERS)
    case.validate_response(answer, checks=CHECKS[:-1])
    assert answer.status_code == 429


def test_what_was_created_and_listed_can_be_followed(described: Description) -> None:
    """Random walks along the links of the document."""

    class Walk(described.api().as_state_machine()):  # type: ignore[misc]
        def before_call(self, case: Any) -> None:
            described.forgive()
            if isinstance(case.body, dict):
                case.body.clear()
                case.body["subscriberId"] = "subscriber-123"
            if case.query:
                case.query.clear()

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": HEADERS, "base_url": described.url}

        def validate_response(self, response: Any, case: Any, *args: Any, **kwargs: Any) -> None:
            described.answered[case.operation.label, response.status_code] += 1
            case.validate_response(response, checks=CHECKS[:-1])

    Walk.run(settings=settings(BOUNDED, max_examples=40))
    assert {("DELETE /v1/links/{id}", 204), ("GET /v1/attempts/{id}", 200)} <= set(described.answered)


def test_the_document_is_openapi(described: Description) -> None:
    described.api().validate()


def test_every_field_is_described(described: Description) -> None:
    schemas = described.document["components"]["schemas"]
    assert set(schemas["NewLink"]["properties"]) == {*FIELDS, "expiresIn"}
    assert set(schemas["NewStatusToken"]["properties"]) == {*status_tokens.FIELDS, "expiresIn"}
    labels = {
        f"{method.upper()} {path}"
        for path, item in described.document["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert labels == set(LABELS)


def test_every_call_of_the_service_is_described(app: Flask, described: Description) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/v1/")]
    served = {
        f"{method} {ARGUMENT.sub('{id}', rule.rule).replace('<', '{').replace('>', '}')}"
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD"}
    }
    assert served == set(LABELS)


def test_the_description_is_of_this_deployment(make_app: Callable[..., Flask]) -> None:
    app = make_app(API_KEYS=KEYS, LINK_MAX_AGE="3600", PUBLIC_URL="https://connect.example.com")
    response = app.test_client().get("/openapi.json")
    assert response.content_type == "application/json"
    document = response.json
    assert document
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": "https://connect.example.com"}]
    assert document["components"]["schemas"]["NewLink"]["properties"]["expiresIn"]["maximum"] == 3600
    assert KEY not in response.text


def test_the_examples_are_what_they_are_examples_of(described: Description, host: Host) -> None:
    schemas = described.document["components"]["schemas"]
    for example in schemas["NewLink"]["examples"]:
        assert host.create(example).status == 201
    for example in schemas["NewStatusToken"]["examples"]:
        assert host.post("/v1/status-tokens", example).status == 201
    for example in schemas["NewDestination"]["examples"]:
        assert host.point(MINE, **example).broken == ["channelId"], "well-formed, and not known to the local Slack"
    for name in (
        "Link",
        "Attempt",
        "AttemptPage",
        "ConnectionStatus",
        "ConnectionPage",
        "TokenOwner",
        "ChannelPage",
        "Destination",
        "Tested",
        "HostEvent",
        "HostEventPage",
        "StatusToken",
    ):
        for example in schemas[name]["examples"]:
            assert set(example) == set(schemas[name]["required"])
    [link] = schemas["Link"]["examples"]
    assert link["url"].startswith(f"https://connect.example.com/install/{link['id']}.")


def test_every_status_reason_and_event_is_described(described: Description) -> None:
    fields = described.document["components"]["schemas"]["Attempt"]["properties"]
    finished = {status.value for status in Status if not status.is_pending}
    assert set(fields["status"]["enum"]) == {"pending", *finished}
    assert set(fields["reason"]["enum"]) == {None, *(reason.value for reason in Reason)}
    assert set(EVENTS) == set(attempt_words.EVENTS)
    listing = described.document["paths"]["/v1/attempts"]["get"]["parameters"]
    [asked] = [parameter["schema"]["enum"] for parameter in listing if parameter["name"] == "status"]
    assert set(asked) == {"", "pending", *(status.value for status in Status)}
