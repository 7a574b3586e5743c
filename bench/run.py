"""The whole run: interleaved rounds over plain HTTP and over TLS, then what an install leaves to be done afterwards."""

from __future__ import annotations

import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import afterwards, apps, certificates, remote
from bench.apps import App, Choices
from bench.remote import Remote
from bench.visit import Plan, Sample, visit

TRANSPORTS: Final = ("plain", "tls")

Samples = dict[str, list[Sample]]
"""What the rounds found, by app."""


@dataclass(frozen=True, slots=True)
class Options:
    rounds: int
    plan: Plan
    transports: tuple[str, ...]
    afterwards_seconds: int
    choices: Choices


@dataclass(frozen=True, slots=True)
class Results:
    """The samples by transport, and what ours did after its last install (empty if that was not asked for)."""

    rounds: dict[str, Samples]
    afterwards: Sample


def run(options: Options) -> Results:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with apps.prepared(folder, options.choices) as made:
            rounds = {transport: _rounds(made, transport, options, folder) for transport in options.transports}
            return Results(rounds, _afterwards(made, options, folder))


def _rounds(made: Sequence[App], transport: str, options: Options, folder: Path) -> Samples:
    """Each round begins with another app, so that none of them always follows the same one."""
    samples: Samples = defaultdict(list)
    with _upstream(transport, folder) as where:
        for number in range(options.rounds):
            first = number % len(made)
            for app in (*made[first:], *made[:first]):
                began = time.monotonic()
                samples[app.name].append(visit(app, where, options.plan, folder))
                took = time.monotonic() - began
                _say(f"{transport}, round {number + 1} of {options.rounds}: {app.name} took {took:.0f} s")
    return dict(samples)


def _afterwards(made: Sequence[App], options: Options, folder: Path) -> Sample:
    ours = [app for app in made if app.worker]
    if not ours or not options.afterwards_seconds:
        return {}
    _say(f"afterwards: {options.afterwards_seconds} s")
    with _upstream("plain", folder) as where:
        return afterwards.measure(ours[0], where, options.plan, options.afterwards_seconds, folder)


@contextmanager
def _upstream(transport: str, folder: Path) -> Iterator[Remote]:
    with remote.running(folder, certificates.create(folder) if transport == "tls" else None) as where:
        yield where


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
