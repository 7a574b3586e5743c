"""The calls about connections, for the OpenAPI document."""

from __future__ import annotations

from typing import Final

from onboarding.ephemeral.limits import TEST_MESSAGES
from onboarding.flows.channels import SHOWN
from onboarding.web.api import refusals, upkeep_description
from onboarding.web.api.describing import WITH_BODY, answer, answers, identifier_of, in_query, key
from onboarding.web.api.examples import CHANNEL, CONNECTION_ID
from onboarding.web.api.shapes import Schema, ref

PATH: Final = "/v1/connections/{identifier}"


def paths() -> dict[str, Schema]:
    identifier = {"parameters": [identifier_of("connection", CONNECTION_ID)]}
    return {
        "/v1/connections": {"get": upkeep_description.listing()},
        PATH: {**identifier, "get": _read(), "delete": upkeep_description.end()},
        f"{PATH}/check": {**identifier, "post": upkeep_description.check()},
        f"{PATH}/reconnect": {**identifier, "post": upkeep_description.reconnect()},
        f"{PATH}/channels": {**identifier, "get": _channels()},
        f"{PATH}/destination": {**identifier, "put": _set_destination()},
        f"{PATH}/test": {**identifier, "post": _test()},
    }


def _read() -> Schema:
    return {
        "operationId": "readConnection",
        "summary": "Read one connection",
        "description": "What an owner is connected to, as far as this service knows: also one that has ended.",
        "responses": answers(200, answer("ConnectionStatus", "The connection"), (404,)),
    }


def _channels() -> Schema:
    cursor = {"type": "string", "pattern": "^(c[1-9][0-9]{0,6})?$"}
    return {
        "operationId": "listChannels",
        "summary": "List channels",
        "description": f"The public channels of the workspace, {SHOWN} a page, without archived ones, in Slack's "
        "order and as Slack listed them within the last five minutes. A page may be short, even empty, and still have "
        f"a next one. Refused with 409 as `{refusals.BROKEN}` or `{refusals.TOKEN_HIDDEN}`, or in Slack's own word.",
        "parameters": [
            in_query("q", {"type": "string"}, "Part of the name, case ignored.", CHANNEL["name"]),
            in_query("after", cursor, "The `next` of the page before."),
            in_query(
                "team",
                {"type": "string"},
                "The workspace whose channels are meant; needed if an organisation is connected. The answer 422 names "
                "all of them.",
            ),
        ],
        "responses": answers(200, answer("ChannelPage", "A page of channels"), (404, 409, 422)),
    }


def _set_destination() -> Schema:
    return {
        "operationId": "setDestination",
        "summary": "Set where notifications go",
        "description": "Creates the channel endpoint at Novu, or lets it lead there instead: a connection has one. Of "
        "several choices at once the last one counts. If Novu hides tokens, or the app may not open direct messages, "
        f"Slack is not asked whether the place is there. Refused with 409 as `{refusals.NO_SUBSCRIBER}` or "
        f"`{refusals.BROKEN}`, or in Slack's own word.",
        "requestBody": {"required": True, "content": {"application/json": {"schema": ref("NewDestination")}}},
        "responses": answers(200, answer("Destination", "Where they go now"), (404, 409, *WITH_BODY)),
    }


def _test() -> Schema:
    return {
        "operationId": "sendTest",
        "summary": "Send a test message",
        "description": f"Posts to where the notifications go, at most {TEST_MESSAGES.a_minute} times a minute for each "
        f"connection. Takes no body. Refused with 409 as `{refusals.NO_DESTINATION}` or `{refusals.TOKEN_HIDDEN}`, or "
        "in Slack's own word.",
        "parameters": [
            key("The same call under the same key is answered without another message for 24 hours.", "test-4711")
        ],
        "responses": answers(200, answer("Tested", "Slack took it"), (404, 409, 413, 422)),
    }
