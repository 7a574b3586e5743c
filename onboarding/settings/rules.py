"""Rules for settings: each gives the problem with a value in words that follow the setting's name, or None."""

from __future__ import annotations

import base64
import re
import ssl
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from onboarding.settings import addresses, colors

LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

ESCAPES: Final = "in a user name or a password, / : ? # @ % are written %2F %3A %3F %23 %40 %25"

IMAGE_DATA: Final = re.compile(r"data:image/(png|jpeg|gif|webp|avif|svg\+xml);base64,[A-Za-z0-9+/]+={0,2}")
LARGEST_IMAGE: Final = 100_000
LEAST_CONTRAST: Final = 3

Rule = Callable[[str], str | None]


def switch(value: str) -> str | None:
    return None if value in {"0", "1"} else "must be 0 or 1"


def http_url(value: str) -> str | None:
    if not value.isascii():
        return "must be in ASCII: an international domain name is written in punycode (xn--…)"
    parts = addresses.parse(value)
    if parts is None or parts.username is not None or re.search(r"[?#]", value):
        return "must be an http or https URL without user, query and fragment"
    return None


def secure_url(value: str) -> str | None:
    if problem := http_url(value):
        return problem
    return None if addresses.is_secure(value) else "must be https (http is for loopback hosts only)"


def bare_origin(value: str) -> str | None:
    if problem := secure_url(value):
        return problem
    return None if urlsplit(value).path in {"", "/"} else "must not have a path"


def origins(value: str) -> str | None:
    """Of pages: as browsers name them, so that a page of another host, port or scheme is none of them."""
    entries = split(value)
    problem = next(filter(None, map(bare_origin, entries)), None)
    if problem:
        return f"each entry {problem}"
    return None if entries else "must be origins like https://app.example.com, separated by commas"


def must_start_with(schemes: Sequence[str]) -> str:
    return f"must start with {', '.join(f'{scheme}://' for scheme in schemes)}"


def word(value: str) -> str | None:
    return None if value.isprintable() and " " not in value else "must not contain white space or control characters"


def proxy_url(value: str) -> str | None:
    parts = addresses.parse(value)
    if parts is None or parts.scheme != "http" or parts.port is None or not re.fullmatch(r"[^?#]*:[0-9]+/?", value):
        return "must look like http://user:password@host:port"
    if parts.username is None:
        return None
    if not parts.username or parts.password is None:
        return "must have a user and a password, or neither"
    return None if _fits_header(parts.username + parts.password) else "must have a user and a password in Latin-1"


def _fits_header(quoted: str) -> bool:
    """Whether HTTP's Basic authentication can carry it: one byte for each character, and no control characters."""
    plain = unquote(quoted)
    return plain.isprintable() and all(ord(character) < 256 for character in plain)


def ca_file(value: str) -> str | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if not Path(value).is_file():
            return "must be the path of a file"
        context.load_verify_locations(value)
    except ssl.SSLError:
        return "must be a file with certificates in PEM"
    except (OSError, ValueError):
        return "must be a file that this process may read"
    return None if context.cert_store_stats()["x509"] else "must be a file with at least one certificate"


def client_id(value: str) -> str | None:
    return "must not contain a colon" if ":" in value else ascii_word(value)


def ascii_word(value: str) -> str | None:
    return None if re.fullmatch(r"[\x21-\x7e]+", value) else "must be printable ASCII without spaces"


def scopes(value: str) -> str | None:
    words = split(value)
    if words and all(re.fullmatch(r"[a-z0-9_.:-]+", word) for word in words):
        return None
    return "must be Slack scopes, separated by commas"


def is_text(value: str) -> bool:
    """Whether it is more than spaces, and came from bytes that are UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return bool(value.strip())


def text(value: str) -> str | None:
    return None if is_text(value) else "must be text in UTF-8"


def at_least(length: int) -> Rule:
    return lambda value: None if len(value) >= length else f"needs at least {length} characters"


def bearer_token(shortest: int) -> Rule:
    """A header has to be able to carry it."""
    return lambda value: at_least(shortest)(value) or ascii_word(value)


def password(value: str) -> str | None:
    """A form has to be able to send it."""
    if any(unicodedata.category(character) == "Cc" for character in value):
        return "must be on one line, without control characters"
    return at_least(12)(value)


def printable(longest: int) -> Rule:
    def check(value: str) -> str | None:
        if value.isprintable() and len(value) <= longest:
            return None
        return f"must be 1 to {longest} printable characters"

    return check


def contact(value: str) -> str | None:
    is_email = re.fullmatch(r"[^@:/\s<>\"]+@[^@:/\s<>\"]+\.[^@:/\s<>\"]+", value)
    if addresses.parse(value) or (is_email and value.isprintable()):
        return None
    return "must be an e-mail address or an http or https URL"


def page_url(value: str) -> str | None:
    """An address that a page may link to."""
    parts = addresses.parse(value)
    is_good = parts is not None and parts.username is None and re.fullmatch(r"[\x21-\x7e]+", value)
    return None if is_good else "must be an http or https URL in ASCII, without a user"


def image_url(value: str) -> str | None:
    """An address that fits into a page and into its Content-Security-Policy."""
    if IMAGE_DATA.fullmatch(value):
        return None if len(value) <= LARGEST_IMAGE else f"must be a data: URI of at most {LARGEST_IMAGE:,} characters"
    parts = addresses.parse(value)
    is_plain = re.fullmatch(r"[\x21-\x7e]+", value) and not re.search(r"""["'<>,;\\]""", value)
    if parts is not None and "[" in parts.netloc:
        return "must have a host name: a Content-Security-Policy cannot name an IPv6 address"
    if parts is not None and parts.username is None and is_plain and addresses.is_secure(value):
        return None
    return "must be an https URL without quotes, commas and semicolons, or a data: URI of an image in base64"


def accent_color(value: str) -> str | None:
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", value):
        return "must be a colour like #0a7d5c"
    if colors.contrast(value, colors.WHITE) < LEAST_CONTRAST:
        return f"must stand out from a white page, with a contrast of at least {LEAST_CONTRAST}:1; choose a darker one"
    return None


def webhook_url(value: str) -> str | None:
    if not value.isascii():
        return "must be in ASCII: an international domain name is written in punycode (xn--…)"
    parts = addresses.parse(value)
    if parts is None or parts.username is not None or "#" in value:
        return "must be an https URL without user and fragment"
    return None if addresses.is_secure(value) else "must be https (http is for loopback hosts only)"


def webhook_secrets(value: str) -> str | None:
    secrets = split(value)
    if secrets and all(_is_webhook_secret(secret) for secret in secrets):
        return None
    return "must be whsec_ and 24 to 64 bytes in base64, separated by commas"


def _is_webhook_secret(secret: str) -> bool:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        return False
    return secret.startswith("whsec_") and 24 <= len(key) <= 64


def host_names(value: str) -> str | None:
    names = split(value)
    if all(re.fullmatch(r"[A-Za-z0-9:._-]{1,253}", name) for name in names):
        return None
    return "must be host names, separated by commas"


def emails(value: str) -> str | None:
    entries = split(value)
    if entries and all(re.fullmatch(r"[^@\s,]*@[^@\s,]+\.[^@\s,]+", entry) for entry in entries):
        return None
    return "must be e-mail addresses, or domains like @example.com, separated by commas"


def log_level(value: str) -> str | None:
    return None if value.upper() in LOG_LEVELS else f"must be one of {', '.join(LOG_LEVELS)}"


def split(value: str) -> list[str]:
    return [part for part in (part.strip() for part in value.split(",")) if part]
