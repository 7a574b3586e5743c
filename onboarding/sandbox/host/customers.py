"""The customers of Sprocket, and which of them is signed in: whoever the cookie says. Nobody needs a password here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import request

COOKIE: Final = "sprocket_customer"


@dataclass(frozen=True, slots=True)
class Customer:
    """`id` is also the subscriber's at Novu."""

    id: str
    name: str
    person: str


CUSTOMERS: Final = (
    Customer("subscriber-123", "Acme Inc.", "Ada"),
    Customer("subscriber-456", "Globex", "Hank"),
    Customer("subscriber-789", "Umbrella", "Alice"),
)

_BY_ID: Final = {customer.id: customer for customer in CUSTOMERS}


def find(customer_id: str) -> Customer | None:
    return _BY_ID.get(customer_id)


def signed_in() -> Customer:
    return find(request.cookies.get(COOKIE, "")) or CUSTOMERS[0]
