"""Says what a run found: the counts, every finding that may not be, and the log lines about it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from tests.chaos.run import Options, Outcome

MOST_SHOWN: Final = 10
MOST_LINES: Final = 40
ATTEMPT_ID: Final = re.compile(r"(?<![\w-])[\w-]{22}(?![\w-])")


def render(options: Options, outcome: Outcome) -> str:
    return "\n".join([*_summary(options, outcome), *_excused(outcome), *_findings(outcome), _last_line(outcome)])


def keep(logs: Mapping[str, str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in logs.items():
        (folder / f"{name}.log").write_text(text, "utf-8")


def _summary(options: Options, outcome: Outcome) -> Iterator[str]:
    verdict, ledgers = outcome.verdict, outcome.ledgers
    pace = len(outcome.visits) / outcome.installing
    statuses = Counter(f"{each.status} {each.reason}".strip() for each in ledgers.kept.records.values())
    yield f"seed {options.seed}, {len(outcome.visits)} installs, {options.concurrency} at once"
    yield f"time         {outcome.installing:.1f} s to install ({pace:.1f}/s), {outcome.settling:.1f} s to settle"
    yield _counted("faults", outcome.injected)
    yield _counted("wires cut", outcome.cuts)
    yield _counted("people", Counter(visit.ending.value for visit in outcome.visits))
    yield _counted("troubles", sum((visit.troubles for visit in outcome.visits), Counter[str]()))
    yield _counted("attempts", statuses)
    yield _counted("log", _alarms(outcome.logs) + outcome.surprises)
    yield f"granted      {len(ledgers.granted)}"
    owners = {visit.install.subscriber for visit in outcome.visits}
    yield f"connected    {len(ledgers.held)} connections of {len(owners)} owners"
    for name, findings in verdict.faults.items():
        yield f"{name:12} {len(findings)}"
    yield f"unavoidable  {len(verdict.unavoidable)} (the process was killed between Slack's answer and the first write)"
    yield f"unanswered   {len(verdict.unanswered)} (Slack granted, and its answer was cut off on the wire)"
    yield f"unrecorded   {len(verdict.unrecorded)} (connected at Novu, and the attempt does not say so)"


def _findings(outcome: Outcome) -> Iterator[str]:
    for name, findings in outcome.verdict.faults.items():
        for finding in findings[:MOST_SHOWN]:
            yield f"\n{name}: {finding}"
            yield from _lines_about(ATTEMPT_ID.findall(finding), outcome.logs)


def _excused(outcome: Outcome) -> Iterator[str]:
    """Attempts that a fault explains, by id: somebody may want to check the explanation."""
    verdict = outcome.verdict
    for name in ("unavoidable", "unanswered", "unrecorded"):
        if ids := getattr(verdict, name):
            yield f"  {name}: {' '.join(ids[:MOST_SHOWN])}"


def _last_line(outcome: Outcome) -> str:
    if outcome.verdict.is_clean:
        return f"\nNothing {', nothing '.join(outcome.verdict.faults)}."
    return "\nNot clean: " + ", ".join(name for name, found in outcome.verdict.faults.items() if found)


def _counted(name: str, counts: Mapping[str, int]) -> str:
    return f"{name:12} " + (", ".join(f"{what} {counts[what]}" for what in sorted(counts) if counts[what]) or "none")


def _alarms(logs: Mapping[str, str]) -> Counter[str]:
    """What an operator would be woken by."""
    lines = [line for text in logs.values() for line in text.splitlines()]
    words = (
        "Traceback",
        "unexpected error",
        "grant lost",
        "grant not stored",
        "not recorded",
        "job failed",
        "job interrupted",
        "work made anew",
    )
    return Counter(word for line in lines for word in words if word in line)


def _lines_about(attempt_ids: Iterable[str], logs: Mapping[str, str]) -> list[str]:
    wanted = set(attempt_ids)
    lines = [
        f"  {line} [{log}]"
        for log, text in logs.items()
        for line in text.splitlines()
        if wanted.intersection(ATTEMPT_ID.findall(line))
    ]
    return sorted(lines)[:MOST_LINES]
