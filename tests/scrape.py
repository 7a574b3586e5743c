"""Reads `/metrics` as Prometheus does."""

from __future__ import annotations

from dataclasses import dataclass

import requests
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

TOKEN = "a token that opens the metrics".replace(" ", "-")
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@dataclass(frozen=True, slots=True)
class Scraped:
    text: str
    samples: dict[tuple[str, tuple[tuple[str, str], ...]], float]

    def value(self, name: str, **labels: str) -> float | None:
        return self.samples.get((name, tuple(sorted(labels.items()))))

    def total(self, name: str, **labels: str) -> float:
        """The sum of all samples with these labels, whatever their others are."""
        return sum(
            value for (each, had), value in self.samples.items() if each == name and labels.items() <= dict(had).items()
        )

    def labels(self, name: str) -> set[str]:
        return {value for (each, had), _ in self.samples.items() if each == name for _, value in had}

    @property
    def names(self) -> set[str]:
        return {name for name, _ in self.samples}

    @property
    def of_ledger(self) -> dict[str, float]:
        """What is the same on every replica."""
        mine = ("onboarding_http", "onboarding_upstream")
        return {f"{name}{dict(had)}": value for (name, had), value in self.samples.items() if not name.startswith(mine)}


def scrape(url: str, accept: str = "") -> Scraped:
    headers = {"Authorization": f"Bearer {TOKEN}", "Accept": accept}
    answer = requests.get(f"{url}/metrics", headers=headers, timeout=10)
    answer.raise_for_status()
    return read(answer.text, answer.headers["Content-Type"])


def read(text: str, content_type: str) -> Scraped:
    parse = (
        openmetrics.text_string_to_metric_families if "openmetrics" in content_type else text_string_to_metric_families
    )
    families = list(parse(text))
    samples = {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}
    return Scraped(text, samples)
