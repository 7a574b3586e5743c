"""`onboarding link --destination`: who decides where notifications go."""

from __future__ import annotations

import pytest

from onboarding.wiring import Wiring
from tests.test_processes import onboarding


@pytest.mark.parametrize("destination", ["choose", "installer", "none"])
def test_the_link_says_who_decides(env: dict[str, str], wiring: Wiring, destination: str) -> None:
    done = onboarding("link", "--subscriber", "s", "--destination", destination, env=env)
    assert done.returncode == 0, done.stderr
    [listed], _ = wiring.minting.page(10, None)
    assert listed.created.link.destination == destination


def test_messages_to_the_installer_need_a_subscriber(env: dict[str, str]) -> None:
    done = onboarding("link", "--context", "tenant=a", "--destination", "installer", env=env)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("destination: ")


def test_another_word_is_wrong_usage(env: dict[str, str]) -> None:
    assert onboarding("link", "--subscriber", "s", "--destination", "somewhere", env=env).returncode == 2


def test_an_attempts_id_is_no_option(env: dict[str, str]) -> None:
    done = onboarding("retry", "-fztp_VaQq5U9uci9XkT7g", env=env)
    assert done.returncode == 1
    assert "Nothing to retry" in done.stderr
