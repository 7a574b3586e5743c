"""`python -m bench.scale`: print the tables of docs/scale.md, or simulate one scenario.

python -m bench.scale --write                      # after `python -m bench.costs`: put the tables into docs/scale.md
python -m bench.scale --installs 50000 --connections 400000             # the smallest set-up that holds this
python -m bench.scale --installs 50000 --web 2 --workers 1 --cores 2    # how this set-up does
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields, replace
from pathlib import Path

from bench.scale import costs, document, ladder, report, tables
from bench.scale.scenario import NOVU_PLANS, PEAK_AT, Outage, Scenario, Setup


def main() -> int:
    args = _parser().parse_args()
    measured = costs.load(args.costs)
    if args.installs:
        sys.stdout.write(f"{report.render(measured, _setup(args), _scenario(args), args.seed)}\n")
        return 0
    made = tables.all_of(measured, ladder.climb(measured))
    if args.write:
        document.FILE.write_text(document.filled(document.FILE.read_text("utf-8"), made), "utf-8")
    else:
        sys.stdout.write("\n\n".join(f"{name}\n{table}" for name, table in made.items()) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.scale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--costs", type=Path, default=costs.FILE, metavar="FILE")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/scale.md")
    parser.add_argument("--seed", type=int, default=1)
    for field in fields(Scenario):
        if field.type == "float":
            default = None if field.name in {"installs", "connections"} else field.default
            parser.add_argument(f"--{field.name.replace('_', '-')}", type=float, default=default)
    parser.add_argument("--novu-away", type=float, default=0, metavar="HOURS", help="around the peak")
    parser.add_argument("--host-away", type=float, default=0, metavar="HOURS", help="around the peak")
    parser.add_argument("--web", type=int, help="processes; without --web the smallest set-up is looked for")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--cores", type=int, default=2, help="of PostgreSQL")
    parser.add_argument("--slack-apps", type=int, default=1)
    parser.add_argument("--novu-plan", choices=NOVU_PLANS, default="Team")
    return parser


def _scenario(args: argparse.Namespace) -> Scenario:
    connections = args.connections or tables.CONNECTIONS * args.installs
    named = {field.name: getattr(args, field.name) for field in fields(Scenario) if field.type == "float"}
    made = Scenario(**{**named, "connections": connections})
    return replace(made, novu_away=_around_peak(args.novu_away, 10.0), host_away=_around_peak(args.host_away, 15.0))


def _around_peak(hours: float, seconds: float) -> Outage:
    return Outage(int(PEAK_AT - hours * 30), int(hours * 60), seconds)


def _setup(args: argparse.Namespace) -> Setup | None:
    if not args.web:
        return None
    return Setup(args.web, args.workers, args.cores, NOVU_PLANS[args.novu_plan], args.slack_apps)


if __name__ == "__main__":
    sys.exit(main())
