"""How long the local Novu takes, with little and with much in it: `python -m tests.contract.benchmark_novu`."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from onboarding.sandbox.novu import Novu, Options, connections, create_novu, endpoints
from onboarding.sandbox.serve import serving
from tests.sandbox.clients import NovuSite, connection
from tests.sandbox.novu_clients import EndpointSite, endpoint

SIZES = (100, 10_000)
ROUNDS = 100


def main() -> None:
    columns = [measured(size) for size in SIZES]
    print(f"{'ms, median of ' + str(ROUNDS):32}" + "".join(f"{size:>10,}" for size in SIZES))
    for name in columns[0]:
        print(f"{name:32}" + "".join(f"{column[name]:10.2f}" for column in columns))


def measured(size: int) -> dict[str, float]:
    """Milliseconds by operation, over HTTP, with a data file behind."""
    with tempfile.TemporaryDirectory() as folder, requests.Session() as session:
        options = Options(data=Path(folder) / "novu.data")
        app = create_novu(options=options)
        fill(app.extensions["novu"], size)
        app.extensions["novu"].close()
        started = time.perf_counter()
        app = create_novu(options=options)
        times = {"start (once)": (time.perf_counter() - started) * 1000}
        session.trust_env = False
        with serving(app) as url:
            site = NovuSite(url, app.extensions["novu"], session)
            asked = requests_to(site, size) | endpoint_requests_to(EndpointSite(site), size)
            times |= {name: median_of(ask) for name, ask in asked.items()}
        app.extensions["novu"].close()
        return times


def fill(novu: Novu, size: int) -> None:
    for number in range(size):
        novu.environment.add_subscriber(f"s-{number}")
        owner: dict[str, Any] = {"subscriberId": f"s-{number}", "context": {"tenant": f"t-{number % (size // 10)}"}}
        connections.create(novu.environment, connection(identifier=f"c-{number}", **owner))
        body = endpoint(identifier=f"e-{number}", connectionIdentifier=f"c-{number}", **owner)
        endpoints.create(novu.environment, body)


def requests_to(site: NovuSite, size: int) -> dict[str, Callable[[int], requests.Response]]:
    def listed(**query: Any) -> Callable[[int], requests.Response]:
        return lambda _: site.send("GET", params=query)

    cursor = site.send("GET", "", params={"limit": 100}).json()["next"] or site.state.connections[size // 2].id
    owner = {"subscriberId": f"s-{size // 2}", "contextKeys": f"tenant:t-{size // 2 % (size // 10)}"}
    return {
        "list, latest 10": listed(),
        "list, next 10": listed(after=cursor),
        "list by update": listed(orderBy="updatedAt", orderDirection="ASC"),
        "list by integration": listed(integrationIdentifier="slack-prod", connectionMode="subscriber"),
        "list by subscriber": listed(subscriberId=owner["subscriberId"]),
        "list by context": listed(contextKeys=owner["contextKeys"]),
        "list by owner": listed(integrationIdentifier="slack-prod", **owner),
        "retrieve": lambda _: site.send("GET", f"/c-{size // 2}"),
        "update": lambda _: site.send("PATCH", f"/c-{size // 2}", json=connection()),
        "create": lambda n: site.create(context={"new": str(n)}),
        "create, conflict": lambda _: site.create(context={"new": "1"}),
        "page": lambda _: site.session.get(site.url),
    }


def endpoint_requests_to(site: EndpointSite, size: int) -> dict[str, Callable[[int], requests.Response]]:
    def listed(**query: Any) -> Callable[[int], requests.Response]:
        return lambda _: site.send("GET", params=query)

    number = size // 2
    context = f"t-{number % (size // 10)}"
    event = {"to": f"s-{number}", "context": {"tenant": context}}
    return {
        "endpoints, latest 10": listed(),
        "endpoints by connection": listed(connectionIdentifier=f"c-{number}"),
        "endpoints by subscriber": listed(subscriberId=f"s-{number}"),
        "endpoints by audience": listed(subscriberId=f"s-{number}", contextKeys=f"tenant:{context}"),
        "endpoints, create": lambda n: site.create(context={"new": str(n)}),
        "endpoints, update": lambda _: site.send("PATCH", f"/e-{number}", json={"endpoint": {"channelId": "C2"}}),
        "endpoints, page": lambda _: site.call("GET", "/endpoints"),
        "subscribers, page": lambda _: site.call("GET", "/subscribers"),
        "trigger": lambda _: site.trigger(**event),
    }


def median_of(ask: Callable[[int], requests.Response]) -> float:
    times = []
    for number in range(ROUNDS):
        started = time.perf_counter()
        answer = ask(number)
        times.append((time.perf_counter() - started) * 1000)
        assert answer.status_code < 500, answer.text
    return statistics.median(times)


if __name__ == "__main__":
    main()
