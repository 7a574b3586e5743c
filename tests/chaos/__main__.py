"""`python -m tests.chaos`: one run. Ends with status 0 only when nothing was lost, doubled, stuck or leaked."""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path

from tests.chaos import report
from tests.chaos.run import Options, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Installs under faults.")
    parser.add_argument("--installs", type=int, default=1000)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--seed", type=int, help="default: another one every time")
    parser.add_argument("--calm", action="store_true", help="without any fault")
    parser.add_argument("--logs", type=Path, metavar="FOLDER", help="keep what the processes logged")
    args = parser.parse_args()
    seed = secrets.randbelow(10**6) if args.seed is None else args.seed
    options = Options(args.installs, args.concurrency, seed, args.calm)
    print(f"seed {seed}", flush=True)
    outcome = run(options)
    print(report.render(options, outcome))
    if args.logs:
        report.keep(outcome.logs, args.logs)
    return 0 if outcome.verdict.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
