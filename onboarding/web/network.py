"""Who asks, as far as the network knows."""

from __future__ import annotations

import ipaddress
import re

from flask import request


def address() -> str:
    """Somebody with one IPv6 address has a whole network of them."""
    given = request.remote_addr or ""
    match = re.fullmatch(r"\[([^\]]+)\](?::\d+)?|([^:]+):\d+", given)
    try:
        found = ipaddress.ip_address((match[1] or match[2]) if match else given)
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))
