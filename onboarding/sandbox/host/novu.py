"""Tells Novu who Sprocket's customers are, as every product does before it sends anybody a notification."""

from __future__ import annotations

import time
from typing import Final

import requests

from onboarding.sandbox.host.customers import CUSTOMERS

PATIENCE: Final = 15
PAUSE: Final = 0.1


def introduce_customers(url: str, key: str) -> None:
    """Waits for a Novu that is still starting. OSError if it does not come, or refuses."""
    deadline = time.monotonic() + PATIENCE
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"ApiKey {key}"
        for customer in CUSTOMERS:
            while not _created(session, f"{url.rstrip('/')}/v2/subscribers", customer.id):
                if time.monotonic() > deadline:
                    raise OSError(f"Novu did not answer within {PATIENCE} s")
                time.sleep(PAUSE)


def _created(session: requests.Session, address: str, subscriber_id: str) -> bool:
    try:
        answer = session.post(address, json={"subscriberId": subscriber_id}, timeout=5)
    except (requests.ConnectionError, requests.Timeout):
        return False
    # 409: Novu knows them already.
    if answer.status_code != 409:
        answer.raise_for_status()
    return True
