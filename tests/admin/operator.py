"""Somebody in front of the status page."""

from __future__ import annotations

import re

from tests.person import Page, Person

PASSWORD = "correct horse battery"
CONNECTIONS = "/admin/connections"


class Operator(Person):
    def sign_in(self, password: str = PASSWORD, **fields: str) -> Page:
        return self.submit("/admin/sign-in", "/admin/sign-in", password=password, **fields)

    def do(self, page: str, action: str, /, **fields: str) -> Page:
        """Send a form of a page, and go on to the page that says what came of it."""
        return self.follow(self.submit(page, action, **fields))

    def csrf_field(self, page: str) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.open(page).source)
        assert found, f"{page} has no form"
        return found[1]
