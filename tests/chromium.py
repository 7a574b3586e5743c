"""Finds a Chromium for the browser tests. As a script it installs one where there is none, or says how to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find() -> str | None:
    """The path of a Chromium: named by `CHROMIUM`, the system's, or Playwright's own."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None) or _playwrights_own()


def _playwrights_own() -> str | None:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 (slow to import, seldom needed)

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def _install() -> None:
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    for command in (
        [*sudo, "apt-get", "update", "-qq"],
        [*sudo, "apt-get", "install", "-y", "-qq", "chromium"],
        [sys.executable, "-m", "playwright", "install", "chromium"],
    ):
        if find() or not shutil.which(command[0]):
            continue
        print("Installing Chromium:", " ".join(command))
        subprocess.run(
            command, stdin=subprocess.DEVNULL, check=False, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        )


if __name__ == "__main__":
    if not find():
        _install()
    if not find():
        sys.exit("The browser tests need Chromium: install it, or name one in the CHROMIUM variable.")
