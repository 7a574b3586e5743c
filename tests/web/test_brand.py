"""How a product looks on its pages: its logo, its colour in both themes, its privacy policy."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from onboarding.settings.colors import contrast
from tests.conftest import MintLink
from tests.fakes import LocalSlack
from tests.person import Person
from tests.witness import Witness

TOKENS = Path(__file__).parents[2] / "static" / "tokens.css"
DATA = "data:image/png;base64," + base64.b64encode(b"no real picture").decode()
COLORS = ("#0a7d5c", "#c2410c", "#111827", "#000000", "#0000ff", "#e01e5a", "#767676", "#949494", "#4a154b")
AUBERGINE = "#4a154b"
MakeBranded = Callable[..., Person]


@pytest.fixture
def branded(make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness) -> MakeBranded:
    return lambda **brand: Person(make_app(**brand), slack, witness)


def policy(person: Person) -> dict[str, list[str]]:
    given = person.open("/").headers["Content-Security-Policy"]
    return {name: sources for name, *sources in (part.split() for part in given.split(";"))}


def stylesheet(source: str) -> str:
    found = re.search(r'href="(/brand/[0-9a-f]+\.css)"', source)
    assert found
    return found[1]


def properties(css: str) -> tuple[dict[str, str], dict[str, str]]:
    """By day, and by night."""
    day, night = re.split(r"@media [a-z ]*\(prefers-color-scheme: dark\)", css)
    by_day, by_night = (dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", part)) for part in (day, night))
    return by_day, {**by_day, **by_night}


def themes(make_app: Callable[..., Flask], color: str) -> list[dict[str, str]]:
    """What a browser makes of the two stylesheets."""
    client = make_app(ACCENT_COLOR=color).test_client()
    served = client.get(stylesheet(client.get("/").text)).text
    return [
        {**tokens, **own} for tokens, own in zip(properties(TOKENS.read_text("utf-8")), properties(served), strict=True)
    ]


@pytest.mark.parametrize("color", COLORS)
def test_text_on_the_accent_reads_in_both_themes(make_app: Callable[..., Flask], color: str) -> None:
    for theme in themes(make_app, color):
        assert theme["on-accent"] in {"#ffffff", "#000000"}
        assert contrast(theme["on-accent"], theme["accent"]) >= 4.5


@pytest.mark.parametrize("color", COLORS)
def test_the_accent_stands_out_and_links_read_in_both_themes(make_app: Callable[..., Flask], color: str) -> None:
    day, night = themes(make_app, color)
    assert day["accent"] == color
    assert contrast(day["accent"], day["card"]) >= 3
    for page in ("paper", "card"):
        assert contrast(night["accent"], night[page]) >= 3
        for theme in (day, night):
            assert contrast(theme["link"], theme[page]) >= 4.5


def test_a_colour_that_reads_everywhere_stays_as_it_is(make_app: Callable[..., Flask]) -> None:
    for theme in themes(make_app, "#e01e5a"):
        assert theme["accent"] == "#e01e5a"


def test_without_a_colour_the_accent_is_ours_and_not_slacks(person: Person, link: str) -> None:
    assert "/brand/" not in person.open(link).source
    for theme in properties(TOKENS.read_text("utf-8")):
        assert theme["accent"] != AUBERGINE
        assert contrast(theme["on-accent"], theme["accent"]) >= 4.5
        for page in ("paper", "card"):
            assert contrast(theme["accent"], theme[page]) >= 3


def test_the_stylesheet_is_named_after_its_colours_and_may_be_kept_for_good(make_app: Callable[..., Flask]) -> None:
    client, other = make_app(ACCENT_COLOR="#0A7D5C").test_client(), make_app(ACCENT_COLOR="#c2410c").test_client()
    place = stylesheet(client.get("/").text)
    answer = client.get(place)
    assert answer.status_code == 200
    assert answer.mimetype == "text/css"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "--accent: #0a7d5c" in answer.text
    for unknown in (other.get(place), client.get("/brand/0123456789abcdef.css"), client.get("/brand/.css")):
        assert unknown.status_code == 404
        assert unknown.headers["Cache-Control"] == "no-store"


def test_each_app_has_its_own_colour(make_app: Callable[..., Flask], tmp_path: Path, mint: MintLink) -> None:
    file = tmp_path / "apps.toml"
    file.write_text(
        '[apps.slack-prod]\ndefault = true\naccent_color = "#0a7d5c"\n'
        '[apps.slack-other]\nclient_id = "2.2"\nclient_secret = "s"\naccent_color = "#c2410c"\n',
        "utf-8",
    )
    client = make_app(APPS_FILE=str(file)).test_client()
    for integration, color in (("slack-prod", "#0a7d5c"), ("slack-other", "#c2410c")):
        page = client.get(mint(integrationIdentifier=integration)).text
        assert f"--accent: {color}" in client.get(stylesheet(page)).text


def test_the_admin_keeps_its_own_look(make_app: Callable[..., Flask]) -> None:
    client = make_app(ACCENT_COLOR="#c2410c", ADMIN_PASSWORD="correct horse battery").test_client()
    assert "/brand/" not in client.get("/admin/sign-in").text


@pytest.mark.parametrize(
    ("logo", "source"),
    [
        ("https://cdn.sprocket.example/logo.svg?v=2", "https://cdn.sprocket.example"),
        ("https://CDN.sprocket.example:8443/a/logo.png", "https://cdn.sprocket.example:8443"),
        (DATA, "data:"),
    ],
)
def test_images_may_come_from_the_logos_origin_and_nowhere_else(branded: MakeBranded, logo: str, source: str) -> None:
    plain, widened = policy(branded()), policy(branded(PRODUCT_LOGO_URL=logo))
    assert plain["img-src"] == ["'self'"]
    assert widened["img-src"] == ["'self'", source]
    assert {**widened, "img-src": ["'self'"]} == plain


def test_the_logo_stands_beside_slack_and_is_called_after_the_product(branded: MakeBranded, link: str) -> None:
    page = branded(PRODUCT_LOGO_URL="https://cdn.sprocket.example/logo.svg?a=1&b=2").open(link)
    assert 'src="https://cdn.sprocket.example/logo.svg?a=1&amp;b=2" alt="Sprocket"' in page.source
    assert 'role="img" aria-label="Slack"' in page.source
    assert 'aria-label="Sprocket"' not in page.source


@pytest.mark.parametrize(
    ("product", "letter"),
    [
        ("Sprocket", "S"),
        ("sprocket", "S"),
        ("«Ünïcode»", "Ü"),
        ("e\N{COMBINING ACUTE ACCENT}clair", "É"),
        ("\N{ROCKET} GmbH", "G"),
        ("ßoft", "ß"),
        ("1Password", "1"),
        ("منتج", "م"),
        ("हिन्दी", "हि"),
        ("<b>", "B"),
    ],
)
def test_without_a_logo_the_tile_shows_the_initial(branded: MakeBranded, link: str, product: str, letter: str) -> None:
    page = branded(PRODUCT_NAME=product).open(link)
    assert re.search(rf'role="img" aria-label="[^"]+"><span aria-hidden="true">{letter}</span>', page.source)


@pytest.mark.parametrize("product", ["", "\N{ROCKET}", "---"])
def test_a_name_without_an_initial_has_a_drawing(branded: MakeBranded, link: str, product: str) -> None:
    page = branded(PRODUCT_NAME=product).open(link)
    assert re.search(r'class="tile initial" role="img" aria-label="[^"]+"><svg', page.source)


@pytest.mark.parametrize("path", ["landing", "/"])
def test_the_privacy_policy_is_linked(branded: MakeBranded, link: str, path: str) -> None:
    place = link if path == "landing" else path
    page = branded(PRIVACY_URL="https://sprocket.example/privacy?a=1&b={x}").open(place)
    assert page.link("Privacy policy") == "https://sprocket.example/privacy?a=1&b={x}"
    assert "Privacy policy" not in branded().open(place).text


def test_the_message_for_the_admin_has_the_privacy_policy(branded: MakeBranded, link: str) -> None:
    page = branded(PRIVACY_URL="https://sprocket.example/privacy?{x}").install(link, outcome="not_permitted")
    assert "Privacy policy: https://sprocket.example/privacy?{x}" in page.source
