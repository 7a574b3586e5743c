"""The local issuer: a sign-in over real HTTP, what it refuses, and that each failure is exactly one flaw."""

from __future__ import annotations

import hmac
import json
import re
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from html import unescape
from typing import Any, Final

import pytest
import requests
import time_machine
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet

from onboarding.sandbox.issuer import Issuer, IssuerApp, create_issuer
from onboarding.sandbox.issuer.outcomes import OUTCOMES
from onboarding.sandbox.serve import serving
from tests.sandbox.clients import query_of

CLIENT: Final = ("sandbox-admin", "sandbox-issuer-secret")
REDIRECT_URI: Final = "http://127.0.0.1:8000/admin/signed-in"
VERIFIER: Final = "a-verifier-of-at-least-43-characters_0123456789"
CHALLENGE: Final = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASK: Final = {
    "client_id": CLIENT[0],
    "redirect_uri": REDIRECT_URI,
    "response_type": "code",
    "scope": "openid email profile",
    "state": "state-1",
    "nonce": "nonce-1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
EMAIL: Final = "operator@sprocket.example"


@dataclass(frozen=True, slots=True)
class Site:
    url: str
    state: Issuer
    session: requests.Session

    def get(self, path: str) -> requests.Response:
        return self.session.get(f"{self.url}{path}")

    def show(self, **changes: Any) -> requests.Response:
        return self.session.get(f"{self.url}/authorize", params=changed(ASK, changes), allow_redirects=False)

    def decide(self, **changes: Any) -> requests.Response:
        form = changed({**ASK, "decision": "allow", "person": EMAIL}, changes)
        return self.session.post(f"{self.url}/authorize", data=form, allow_redirects=False)

    def answer(self, **changes: Any) -> dict[str, str]:
        return query_of(self.decide(**changes).headers["Location"])

    def redeem(self, code: str, auth: tuple[str, str] | None = CLIENT, **changes: Any) -> requests.Response:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
        form = changed({**form, "code_verifier": VERIFIER}, changes)
        return self.session.post(f"{self.url}/token", data=form, auth=auth)

    def sign_in(self, **changes: Any) -> dict[str, Any]:
        answer = self.redeem(self.answer(**changes)["code"])
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def verified(self, token: str) -> dict[str, Any]:
        keys = KeySet.import_key_set(self.get("/jwks").json())
        return jwt.decode(token, keys, ["RS256"]).claims


def changed(fields: dict[str, str], changes: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in {**fields, **changes}.items() if value is not ...}


def header_of(token: str) -> dict[str, Any]:
    return _part(token, 0)


def claims_of(token: str) -> dict[str, Any]:
    return _part(token, 1)


def _part(token: str, index: int) -> dict[str, Any]:
    return dict(json.loads(urlsafe_b64decode(f"{token.split('.')[index]}==")))


def error_of(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[str, Issuer]]:
    app = create_issuer(IssuerApp(*CLIENT))
    with serving(app) as url:
        yield url, app.extensions["issuer"]


@pytest.fixture
def site(running: tuple[str, Issuer], session: requests.Session) -> Site:
    running[1].reset()
    return Site(*running, session)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel("2030-01-01T00:00Z", tick=False) as clock:
        yield clock


def test_the_metadata_leads_everywhere(site: Site) -> None:
    metadata = site.get("/.well-known/openid-configuration").json()
    assert metadata["issuer"] == site.url
    places = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    assert [metadata[place] for place in places] == [f"{site.url}{path}" for path in ("/authorize", "/token", "/jwks")]
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["authorization_response_iss_parameter_supported"] is True


def test_the_issuer_is_wherever_it_was_asked(site: Site) -> None:
    other = site.url.replace("127.0.0.1", "localhost")
    answer = site.session.get(f"{site.url}/.well-known/openid-configuration", headers={"Host": other[7:]})
    assert answer.json()["issuer"] == other


def test_only_the_public_half_of_the_key_is_published(site: Site) -> None:
    (key,) = site.get("/jwks").json()["keys"]
    assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}


@pytest.mark.parametrize(
    ("email", "name", "verified"),
    [
        (EMAIL, "Olivia Operator", True),
        ("viewer@sprocket.example", "Vic Viewer", True),
        ("stranger@elsewhere.example", "Sam Stranger", True),
        ("unverified@sprocket.example", "Una Unverified", False),
    ],
)
def test_each_person_gets_a_token_of_their_own(
    site: Site, clock: time_machine.Traveller, email: str, name: str, verified: bool
) -> None:
    answer = site.sign_in(person=email)
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)
    claims = site.verified(answer["id_token"])
    assert re.fullmatch(r"[0-9a-f]{24}", claims.pop("sub"))
    now = 1893456000
    assert claims == {
        "iss": site.url,
        "aud": CLIENT[0],
        "iat": now,
        "exp": now + 3600,
        "nonce": "nonce-1",
        "email": email,
        "email_verified": verified,
        "name": name,
    }


def test_the_same_person_keeps_their_subject(site: Site) -> None:
    emails = (EMAIL, EMAIL.title(), "viewer@sprocket.example")
    first, again, other = (claims_of(site.sign_in(email=email)["id_token"])["sub"] for email in emails)
    assert first == again != other


def test_a_typed_address_outweighs_the_choice(site: Site) -> None:
    claims = claims_of(site.sign_in(email=" any.body@x.example ")["id_token"])
    assert (claims["email"], claims["email_verified"], claims["name"]) == ("any.body@x.example", True, "any.body")
    assert claims_of(site.sign_in(email="unverified@sprocket.example")["id_token"])["email_verified"] is False
    assert claims_of(site.sign_in(email=" ")["id_token"])["email"] == EMAIL


def test_the_scope_decides_what_the_token_tells(site: Site) -> None:
    told = {"email", "email_verified", "name"}
    assert not told & claims_of(site.sign_in(scope="openid")["id_token"]).keys()
    assert told & claims_of(site.sign_in(scope="email openid")["id_token"]).keys() == {"email", "email_verified"}


def test_a_nonce_that_was_not_sent_does_not_come(site: Site) -> None:
    assert "nonce" not in claims_of(site.sign_in(nonce=...)["id_token"])


def test_the_way_back_carries_code_state_and_issuer(site: Site) -> None:
    state = "a+b/c= &\"<>'é\0"
    answer = site.decide(state=state)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(f"{REDIRECT_URI}?code=")
    query = query_of(answer.headers["Location"])
    assert list(query) == ["code", "state", "iss"]
    assert (query["state"], query["iss"]) == (state, site.url)
    assert "state" not in site.answer(state=...)


def test_cancel_comes_back_as_access_denied(site: Site) -> None:
    answer = site.answer(decision="cancel", outcome="server_error")
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "state-1", site.url)
    assert site.state.sign_ins == ()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": ...}, "invalid_request"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"scope": "email"}, "invalid_scope"),
        ({"scope": ...}, "invalid_scope"),
        ({"code_challenge": ...}, "invalid_request"),
        ({"code_challenge": f"{CHALLENGE}="}, "invalid_request"),
        ({"code_challenge_method": ...}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
    ],
)
def test_a_bad_question_goes_back_as_an_error(site: Site, change: dict[str, Any], error: str) -> None:
    for answer in (site.show(**change), site.decide(**change)):
        assert answer.status_code == 302
        query = query_of(answer.headers["Location"])
        assert (query["error"], query["state"], query["iss"]) == (error, "state-1", site.url)
        assert "code" not in query


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "somebody-else"},
        {"client_id": ...},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": "http://evil.example/"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": f"{REDIRECT_URI}#x"},
        {"redirect_uri": ...},
    ],
)
def test_a_bad_client_or_redirect_uri_sends_nobody_anywhere(site: Site, change: dict[str, Any]) -> None:
    for answer in (site.show(**change), site.decide(**change)):
        assert answer.status_code == 400
        assert "Location" not in answer.headers
        assert answer.headers["Content-Type"].startswith("text/html")


def test_a_configured_redirect_uri_is_taken_to_the_letter(session: requests.Session) -> None:
    uri = "https://admin.example/signed-in"
    app = create_issuer(IssuerApp(*CLIENT, redirect_uris=(uri,)))
    with serving(app) as url:
        site = Site(url, app.extensions["issuer"], session)
        assert site.decide(redirect_uri=uri).status_code == 302
        others = (f"{uri}/", f"{uri}/below", f"{uri}?a=b", REDIRECT_URI, uri.replace("https", "http"))
        assert [site.decide(redirect_uri=other).status_code for other in others] == [400] * len(others)


@pytest.mark.parametrize(
    "form",
    [{"person": "nobody@x.example"}, {"outcome": "nonsense"}, {"decision": "perhaps"}, {"email": f"{'a' * 255}"}],
)
def test_a_form_that_the_page_never_sends_is_refused(site: Site, form: dict[str, str]) -> None:
    assert site.decide(**form).status_code == 400


def test_another_sites_form_is_refused(site: Site) -> None:
    site.session.headers["Sec-Fetch-Site"] = "cross-site"
    assert site.decide().status_code == 403
    assert site.show().status_code == 200


def test_the_policy_lets_the_form_lead_back_to_the_client(site: Site) -> None:
    assert "form-action" not in site.show().headers["Content-Security-Policy"]
    assert "form-action 'self'" in site.get("/").headers["Content-Security-Policy"]


def test_the_page_sends_everything_that_its_form_needs(site: Site) -> None:
    page = site.show().text
    inputs = [dict(re.findall(r'(\w+)="([^"]*)"', tag)) for tag in re.findall(r"<input[^>]*>", page)]
    hidden = {each["name"]: unescape(each["value"]) for each in inputs if each["type"] == "hidden"}
    assert hidden == ASK
    assert {each["value"] for each in inputs if each["name"] == "outcome"} == set(OUTCOMES)
    assert page.count(" checked>") == 2
    assert page.index("<details") < page.index('name="outcome"')


def test_markup_is_shown_and_not_obeyed(session: requests.Session) -> None:
    app = create_issuer(IssuerApp("<b>client</b>", CLIENT[1]))
    with serving(app) as url:
        site = Site(url, app.extensions["issuer"], session)
        given = {"client_id": "<b>client</b>", "state": '"><b>'}
        site.decide(**given, email="<b>me</b>@x.example")
        pages = [site.show(**given), site.get("/"), site.show(**given, redirect_uri="<b>")]
        assert [page.status_code for page in pages] == [200, 200, 400]
        assert not any("<b>" in page.text for page in pages)
        assert "Sign in to <b>client</b>" in unescape(pages[0].text)
        assert "<b>me</b>@x.example" in unescape(pages[1].text)


def test_the_home_page_keeps_the_last_fifty_sign_ins(site: Site) -> None:
    for number in range(51):
        site.decide(email=f"person-{number}@x.example", outcome="expired_token")
    page = site.get("/").text
    assert page.count("went wrong: Expired") == 50
    assert "person-0@" not in page
    assert page.index("person-50@") < page.index("person-1@")
    assert site.state.sign_ins[0].person.email == "person-1@x.example"


def test_a_code_works_once(site: Site) -> None:
    code = site.answer()["code"]
    assert site.redeem(code).status_code == 200
    assert error_of(site.redeem(code)) == (400, "invalid_grant")


def test_of_several_at_once_one_gets_the_token(site: Site) -> None:
    code, together = site.answer()["code"], threading.Barrier(8)

    def redeem(_: int) -> int:
        together.wait()
        with requests.Session() as session:
            return Site(site.url, site.state, session).redeem(code).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(redeem, range(8))) == [200] + [400] * 7


def test_a_code_lives_for_ten_minutes(site: Site, clock: time_machine.Traveller) -> None:
    codes = [site.answer()["code"] for _ in range(2)]
    clock.shift(599)
    assert site.redeem(codes[0]).status_code == 200
    clock.shift(1)
    assert error_of(site.redeem(codes[1])) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"grant_type": ...}, "invalid_request"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"code": ...}, "invalid_request"),
        ({"code": "made-up"}, "invalid_grant"),
        ({"redirect_uri": ...}, "invalid_grant"),
        ({"redirect_uri": f"{REDIRECT_URI}/"}, "invalid_grant"),
        ({"code_verifier": ...}, "invalid_grant"),
        ({"code_verifier": VERIFIER[:-1]}, "invalid_grant"),
        ({"code_verifier": CHALLENGE}, "invalid_grant"),
        ({"code_verifier": "é"}, "invalid_grant"),
    ],
)
def test_a_bad_redemption_is_refused_and_spends_nothing(site: Site, change: dict[str, Any], error: str) -> None:
    code = site.answer()["code"]
    fields: dict[str, Any] = {"code": code, **change}
    answer = site.redeem(fields.pop("code"), **fields)
    assert error_of(answer) == (400, error)
    assert answer.headers["Cache-Control"] == "no-store"
    assert site.redeem(code).status_code == 200


def test_the_client_may_name_itself_in_either_way_but_not_in_both(site: Site) -> None:
    posted: dict[str, Any] = {"client_id": CLIENT[0], "client_secret": CLIENT[1]}
    assert site.redeem(site.answer()["code"], auth=None, **posted).status_code == 200
    assert site.redeem(site.answer()["code"], client_id=CLIENT[0]).status_code == 200
    assert error_of(site.redeem(site.answer()["code"], **posted)) == (400, "invalid_request")


@pytest.mark.parametrize("auth", [(CLIENT[0], "wrong"), ("wrong", CLIENT[1]), (CLIENT[0], ""), ("é", "é"), None])
def test_a_wrong_client_is_refused(site: Site, auth: tuple[str, str] | None) -> None:
    posted: dict[str, Any] = {"client_id": auth[0], "client_secret": auth[1]} if auth else {}
    for answer in (site.redeem(site.answer()["code"], auth), site.redeem(site.answer()["code"], None, **posted)):
        assert error_of(answer) == (401, "invalid_client")
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("sent", ["a+b/c%20", "a%2Bb%2Fc%2520"])
def test_a_secret_may_come_form_encoded_or_plain(session: requests.Session, sent: str) -> None:
    app = create_issuer(IssuerApp(CLIENT[0], "a+b/c%20"))
    with serving(app) as url:
        site = Site(url, app.extensions["issuer"], session)
        assert site.redeem(site.answer()["code"], (CLIENT[0], sent)).status_code == 200


def test_the_server_error_replaces_the_code(site: Site) -> None:
    answer = site.answer(outcome="server_error")
    assert (answer["error"], answer["state"], answer["iss"]) == ("server_error", "state-1", site.url)
    assert "code" not in answer


def test_a_mix_up_names_another_issuer_and_the_rest_is_right(site: Site) -> None:
    answer = site.answer(outcome="wrong_iss_parameter")
    assert answer["iss"] == "https://another-issuer.example"
    assert site.verified(site.redeem(answer["code"]).json()["id_token"])["iss"] == site.url


def test_the_code_can_be_refused(site: Site) -> None:
    assert error_of(site.redeem(site.answer(outcome="token_error")["code"])) == (400, "invalid_grant")


def test_the_token_endpoint_can_be_down_and_stays_so(site: Site) -> None:
    code = site.answer(outcome="token_500")["code"]
    for answer in (site.redeem(code), site.redeem(code)):
        assert (answer.status_code, answer.headers["Content-Type"]) == (500, "text/html; charset=utf-8")


def test_the_id_token_can_be_missing(site: Site) -> None:
    assert list(site.sign_in(outcome="no_id_token")) == ["access_token", "token_type", "expires_in"]


@pytest.mark.parametrize(
    ("outcome", "flawed"),
    [
        ("approved", set()),
        ("wrong_nonce", {"nonce"}),
        ("no_nonce", {"nonce"}),
        ("wrong_audience", {"aud"}),
        ("wrong_issuer", {"iss"}),
        ("expired_token", {"iat", "exp"}),
    ],
)
def test_a_wrong_claim_is_signed_well_and_is_the_only_one(
    site: Site, clock: time_machine.Traveller, outcome: str, flawed: set[str]
) -> None:
    right = site.verified(site.sign_in()["id_token"])
    wrong = site.verified(site.sign_in(outcome=outcome)["id_token"])
    assert {name for name in right if right[name] != wrong.get(name)} == flawed
    assert ("nonce" in wrong) is (outcome != "no_nonce")
    assert wrong.keys() <= right.keys()
    assert (wrong["exp"] < right["iat"]) is (outcome == "expired_token")


@pytest.mark.parametrize("outcome", ["other_key", "unsigned", "hmac_key"])
def test_a_bad_signature_is_the_only_flaw(site: Site, clock: time_machine.Traveller, outcome: str) -> None:
    right, wrong = (site.sign_in(outcome=each)["id_token"] for each in ("approved", outcome))
    assert claims_of(wrong) == claims_of(right)
    assert header_of(wrong)["kid"] == header_of(right)["kid"] == site.get("/jwks").json()["keys"][0]["kid"]


def test_a_forged_token_looks_right_until_its_signature_is_checked(site: Site) -> None:
    token = site.sign_in(outcome="other_key")["id_token"]
    assert header_of(token)["alg"] == "RS256"
    with pytest.raises(BadSignatureError):
        site.verified(token)


def test_an_unsigned_token_says_so(site: Site) -> None:
    token = site.sign_in(outcome="unsigned")["id_token"]
    assert header_of(token)["alg"] == "none"
    assert token.count(".") == 2
    assert token.endswith(".")


def test_a_shared_secret_signs_as_hs256(site: Site) -> None:
    token = site.sign_in(outcome="hmac_key")["id_token"]
    assert header_of(token)["alg"] == "HS256"
    text, _, signature = token.rpartition(".")
    assert urlsafe_b64decode(f"{signature}=") == hmac.digest(CLIENT[1].encode(), text.encode(), "sha256")


def test_a_reset_forgets_codes_and_sign_ins_and_keeps_the_key(site: Site) -> None:
    code, keys = site.answer()["code"], site.get("/jwks").json()
    site.state.reset()
    assert site.state.sign_ins == ()
    assert error_of(site.redeem(code)) == (400, "invalid_grant")
    assert site.get("/jwks").json() == keys


def test_every_page_is_sound(site: Site) -> None:
    site.decide()
    for page in (site.show(), site.show(client_id="x"), site.get("/"), site.get("/nope")):
        assert page.text.count("<h1>") == 1
        assert "Sandbox" in page.text
        assert "default-src 'self'" in page.headers["Content-Security-Policy"]
        assert not re.search(r"<script| style=| on\w+=", page.text)
        assert CLIENT[1] not in page.text
