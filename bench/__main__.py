"""`python -m bench`: measure, print the ratios, and write everything to a JSON file."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Final

from bench import report
from bench.apps import NAMES, Choices
from bench.processes import ROOT
from bench.run import TRANSPORTS, Options, run
from bench.visit import Plan

CALM: Final = 16


def main() -> int:
    if sys.platform != "linux":
        sys.stderr.write("bench reads /proc, so it needs Linux\n")
        return 2
    args = _parser().parse_args()
    options = _options(args)
    results = run(options)
    args.json.write_text(json.dumps(report.to_json(options, results), indent=1, default=str) + "\n", "utf-8")
    sys.stdout.write(f"{report.render(options, results)}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="This service beside Slack Bolt and a floor.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--installs", type=int, default=128, help="of each app in each window")
    parser.add_argument("--at-once", type=int, default=64, help="people who install at the same time")
    parser.add_argument(
        "--afterwards", type=int, default=30, metavar="SECONDS", help="look at ours for so long at last"
    )
    parser.add_argument("--quick", action="store_true", help="one short round, to see that everything works")
    parser.add_argument("--transports", nargs="+", choices=TRANSPORTS, default=list(TRANSPORTS))
    parser.add_argument("--apps", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--checkout", type=Path, default=ROOT, help="measure the service in this folder instead")
    parser.add_argument("--preload", action="store_true", help="run Bolt and the floor with gunicorn's --preload")
    parser.add_argument(
        "--one-tls-context", action="store_true", help="let Slack's client load CAs once, as Python 3.12+ does"
    )
    parser.add_argument("--json", type=Path, default=ROOT / "bench" / "results.json", metavar="FILE")
    return parser


def _options(args: argparse.Namespace) -> Options:
    quick = args.quick
    return Options(
        rounds=1 if quick else args.rounds,
        plan=Plan(installs=64 if quick else args.installs, at_once=args.at_once, calm=CALM),
        transports=tuple(args.transports),
        afterwards_seconds=0 if quick else args.afterwards,
        choices=Choices(tuple(args.apps), args.checkout.resolve(), args.preload, args.one_tls_context),
    )


if __name__ == "__main__":
    sys.exit(main())
