"""What curl does with the options that the reference uses, for machines that have none."""

from __future__ import annotations

import sys
from argparse import ArgumentParser

import requests


def main() -> None:
    words = ArgumentParser(exit_on_error=False)
    words.add_argument("--request", "-X")
    words.add_argument("--header", "-H", action="append", default=[])
    words.add_argument("--data", "-d")
    words.add_argument("url")
    asked = words.parse_args()
    headers = dict(header.split(": ", 1) for header in asked.header)
    method = asked.request or ("POST" if asked.data else "GET")
    answer = requests.request(method, asked.url, headers=headers, data=asked.data, timeout=30)
    sys.stdout.write(answer.text)


if __name__ == "__main__":
    main()
