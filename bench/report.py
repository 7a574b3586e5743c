"""The results as tables for people and as JSON for machines."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib import metadata
from typing import Any, Final

from bench import measures
from bench.measures import Measure
from bench.run import Options, Results, Samples

TITLES: Final = {"plain": "Plain HTTP to Slack and Novu", "tls": "TLS to Slack and Novu"}
LABELS: Final = {"bolt": "Slack Bolt", "floor": "floor", "ours": "ours"}
RATIOS: Final = (("ours", "bolt"), ("ours", "floor"))
LIBRARIES: Final = ("slack-bolt", "slack-sdk", "flask", "gunicorn", "authlib", "requests", "redis", "psycopg")


def render(options: Options, results: Results) -> str:
    parts = [_table(transport, samples, options.rounds) for transport, samples in results.rounds.items()]
    if results.afterwards:
        parts.append(_afterwards(options, results))
    return "\n\n".join([_where(), *parts, _notes(options)])


def to_json(options: Options, results: Results) -> dict[str, Any]:
    return {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "platform": platform.platform()},
        "versions": {name: metadata.version(name) for name in LIBRARIES},
        "options": asdict(options),
        "rounds": results.rounds,
        "afterwards": results.afterwards,
        "summary": {transport: _summary(samples) for transport, samples in results.rounds.items()},
    }


def _where() -> str:
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("slack-bolt", "flask", "gunicorn"))
    return f"Python {platform.python_version()} on {os.cpu_count()} cores; {versions}"


def _table(transport: str, samples: Samples, rounds: int) -> str:
    heads = [f"{'':44}", *(f"{LABELS[name]:>10}" for name in LABELS if name in samples)]
    heads += [f"   {LABELS[one]} / {LABELS[other]}".ljust(27) for one, other in _pairs(samples)]
    return "\n".join(
        [
            f"{TITLES[transport]}: medians of {rounds} rounds" if rounds > 1 else f"{TITLES[transport]}: one round",
            "".join(heads).rstrip(),
            *(_row(measure, samples) for measure in measures.COMPARED),
            *(_row(measure, samples, with_ratios=False) for measure in measures.INFORMATION),
        ]
    )


def _row(measure: Measure, samples: Samples, *, with_ratios: bool = True) -> str:
    words = f"{measure.words} ↑" if measure.more_is_better else measure.words
    cells = [_number(_median(samples[name], measure.name), measure.digits) for name in LABELS if name in samples]
    ratios = [_ratio_words(_ratios(measure.name, samples, *pair)) for pair in _pairs(samples)] if with_ratios else []
    return (f"{words:44}" + "".join(f"{cell:>10}" for cell in cells) + "".join(ratios)).rstrip()


def _pairs(samples: Samples) -> Iterator[tuple[str, str]]:
    return (pair for pair in RATIOS if set(pair) <= samples.keys())


def _median(found: Sequence[dict[str, float]], name: str) -> float | None:
    values = [sample[name] for sample in found if name in sample]
    return statistics.median(values) if values else None


def _ratios(name: str, samples: Samples, one: str, other: str) -> list[float]:
    """Of each round, as far as there is something to divide by."""
    pairs = zip(samples[one], samples[other], strict=True)
    return [mine[name] / theirs[name] for mine, theirs in pairs if theirs.get(name)]


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def _ratio_words(ratios: Sequence[float]) -> str:
    if not ratios:
        return f"   {'–':24}"
    extent = f" ({min(ratios):.2f}–{max(ratios):.2f})" if len(ratios) > 1 else ""
    return f"   {statistics.median(ratios):.2f}{extent}".ljust(27)


def _afterwards(options: Options, results: Results) -> str:
    seconds, found = options.afterwards_seconds, results.afterwards
    return (
        f"Ours afterwards: {found['afterwards']:.2f} ms of CPU per install in the {seconds} s after the last one, "
        f"besides {found['idle']:.1f} ms per second that web and worker use while nothing happens."
    )


def _notes(options: Options) -> str:
    preloaded = options.choices.peers_preload
    peers = "run with --preload." if preloaded else "load their code in each process, which is gunicorn's default."
    return measures.NOTES.format(
        at_once=options.plan.at_once, calm=options.plan.calm, peers=f"Slack Bolt and the floor {peers}"
    )


def _summary(samples: Samples) -> dict[str, dict[str, Any]]:
    return {measure.name: _entry(measure.name, samples) for measure in (*measures.COMPARED, *measures.INFORMATION)}


def _entry(name: str, samples: Samples) -> dict[str, Any]:
    entry: dict[str, Any] = {app: _median(found, name) for app, found in samples.items()}
    for one, other in _pairs(samples):
        if ratios := _ratios(name, samples, one, other):
            entry[f"{one}/{other}"] = {"median": statistics.median(ratios), "low": min(ratios), "high": max(ratios)}
    return entry
