"""Settings: read once, every problem in one report, no value ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.model.errors import ConfigError
from onboarding.settings import addresses, environment

COMPLETE = {
    "PUBLIC_URL": "https://connect.example.com",
    "SECRET_KEY": "k" * 32,
    "DATABASE_URL": "postgresql://user:password@localhost:5432/onboarding",
    "REDIS_URL": "redis://localhost:6379/0",
    "SLACK_CLIENT_ID": "1234567890.1234567890",
    "SLACK_CLIENT_SECRET": "slack-secret",
    "NOVU_SECRET_KEY": "novu-secret",
    "NOVU_INTEGRATION_IDENTIFIER": "slack-prod",
}
REQUIRED = sorted(COMPLETE)


def problems(**changes: str) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        environment.load({**COMPLETE, **changes})
    return {problem.name: problem.message for problem in caught.value.problems}


def test_the_required_settings_are_enough() -> None:
    settings = environment.load(COMPLETE)
    assert settings.apps.first.slack.redirect_uri == "https://connect.example.com/slack/oauth_redirect"
    assert settings.apps.first.slack.url == "https://slack.com"
    assert settings.apps.first.novu.url == "https://api.novu.co"
    assert settings.brand.product_name == "this app"
    assert settings.link_max_age.days == 7
    assert settings.attempt_retention.days == 30
    assert settings.apps.first.slack.scopes == ("chat:write", "chat:write.public", "channels:read", "groups:read")
    assert settings.outgoing_proxy is None
    assert settings.ca_file is None


@pytest.mark.parametrize(("value", "is_on"), [("", False), ("0", False), ("1", True), (" 1\n", True)])
def test_direct_install_is_off_unless_somebody_switches_it_on(value: str, is_on: bool) -> None:
    assert environment.load({**COMPLETE, "DIRECT_INSTALL": value}).direct_install is is_on


def test_everything_that_is_missing_is_reported_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        environment.load({})
    assert sorted(problem.name for problem in caught.value.problems) == REQUIRED


SHOULD_NOT_SHOW = {
    "PUBLIC_URL": "https://hunter1@connect.example.com",
    "SECRET_KEY": "hunter2",
    "API_KEYS": "hunter3",
    "REDIS_URL": "http://:hunter4@x",
    "DATABASE_URL": "postgresql://user:hunter5@host/name?sslmode=hunter6",
    "OUTGOING_PROXY": "https://user:hunter7@proxy:3128",
    "CA_FILE": "/hunter8",
}


def test_a_report_names_settings_and_never_shows_values() -> None:
    with pytest.raises(ConfigError) as caught:
        environment.load(SHOULD_NOT_SHOW)
    assert "hunter" not in str(caught.value)
    assert set(SHOULD_NOT_SHOW) <= {problem.name for problem in caught.value.problems}


def test_settings_never_show_their_secrets() -> None:
    secrets = {
        "REDIS_URL": "redis://:redis-secret@x",
        "DATABASE_URL": "postgresql://user:database-secret@host",
        "OUTGOING_PROXY": "http://user:proxy-secret@proxy:3128",
        "ADMIN_PASSWORD": "p" * 12,
    }
    shown = repr(environment.load({**COMPLETE, **secrets}))
    assert "secret" not in shown.replace("client_secret", "").replace("secret_key", "")
    assert "k" * 32 not in shown
    assert "p" * 12 not in shown


@pytest.mark.parametrize(
    ("value", "origins"),
    [
        ("", set()),
        ("https://app.example.com", {"https://app.example.com"}),
        (
            " https://App.Example.com:443/ , http://localhost:3000,",
            {"https://app.example.com", "http://localhost:3000"},
        ),
        ("https://app.example.com:8443,http://[::1]:80", {"https://app.example.com:8443", "http://[::1]"}),
    ],
)
def test_origins_of_embedding_pages_are_written_as_browsers_send_them(value: str, origins: set[str]) -> None:
    assert environment.load({**COMPLETE, "EMBED_ORIGINS": value}).embed_origins == origins


@pytest.mark.parametrize(
    "value",
    [
        "*",
        "null",
        ",",
        "app.example.com",
        "http://app.example.com",
        "http://127.0.0.1.example.com",
        "https://*.example.com",
        "https://app.example.com/settings",
        "https://app.example.com?",
        "https://app.example.com#",
        "https://hunter2@app.example.com",
        "https://app.example.com https://b.example.com",
        "https://bücher.example",
        "ftp://app.example.com",
        "https://app.example.com:70000",
        "https://app.example.com,null",
    ],
)
def test_origins_are_exact(value: str) -> None:
    [(name, message)] = problems(EMBED_ORIGINS=value).items()
    assert name == "EMBED_ORIGINS"
    assert "hunter2" not in message


def test_a_client_id_stays_the_string_it_is() -> None:
    assert environment.load(
        {**COMPLETE, "SLACK_CLIENT_ID": "1234567890.1234567800"}
    ).apps.first.slack.client_id.endswith("00")


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://localhost:6379/15",
        "redis://localhost/?db=3&client_name=onboarding",
        "redis://[::1]:6379/0",
        "redis://:p%40ss%2Fw%23rd@[fe80::1%25eth0]",
        "redis://my_redis.internal.:6379/",
        "rediss://user:password@localhost:6380/1?ssl_ca_certs=/ca.pem",
        "rediss://localhost?ssl_cert_reqs=none&ssl_check_hostname=no",
        "unix:///run/redis.sock?db=1",
        "unix://user:password@/run/redis%20one.sock",
        "redis+sentinel://user:p%40ss@one:26379,two:26380/primary/2",
        "redis+sentinel://:password@one/primary",
        "redis+sentinel://one/primary",
        "redis+sentinel://[::1]:26402/mymaster",
        "redis+sentinel://[::1],[fd00::2]:26402,three/mymaster",
        "redis+sentinel://one:26379, two:26380 ,\tthree/primary/",
        "redis+cluster://one",
        "redis+cluster://user:p%40ss@one:6379,two:6380",
        "redis+cluster://:password@[::1], [fd00::2]:6380 ,\tthree/",
        "redis+cluster://one?client_name=onboarding",
        "rediss+cluster://user:password@one,two:6380?ssl_ca_certs=/ca.pem&ssl_check_hostname=no",
        "rediss+cluster://one/?ssl_cert_reqs=none",
    ],
)
def test_every_kind_of_redis_is_welcome(url: str) -> None:
    assert environment.load({**COMPLETE, "REDIS_URL": url}).redis_url.reveal() == url


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("redis+sentinel://one/p", [("one", 26379)]),
        ("redis+sentinel://[::1]/p", [("::1", 26379)]),
        ("redis+sentinel://[::1]:1,[::2]/p", [("::1", 1), ("::2", 26379)]),
        ("redis+sentinel://u:p@a:1 , b:2,\n c/p", [("a", 1), ("b", 2), ("c", 26379)]),
        ("redis+sentinel://[fe80::1%25eth0]:7/p", [("fe80::1%eth0", 7)]),
    ],
)
def test_the_sentinels_of_a_list_are_hosts_and_ports(url: str, hosts: list[tuple[str, int]]) -> None:
    assert addresses.sentinel_parts(url).hosts == hosts


@pytest.mark.parametrize(
    ("url", "nodes"),
    [
        ("redis+cluster://one", ["redis://one"]),
        ("redis+cluster://u:p@[::1]:1 , b:2,\n c/", ["redis://u:p@[::1]:1", "redis://u:p@b:2", "redis://u:p@c"]),
        ("rediss+cluster://a,b?ssl_ca_certs=/c", ["rediss://a?ssl_ca_certs=/c", "rediss://b?ssl_ca_certs=/c"]),
    ],
)
def test_each_node_of_a_cluster_has_an_ordinary_address(url: str, nodes: list[str]) -> None:
    assert addresses.cluster_nodes(url) == nodes


@pytest.mark.parametrize(
    "url",
    [
        "localhost:6379",
        "REDIS://localhost",
        "redis:localhost",
        "redis:///0",
        "redis://:6379",
        "redis://localhost/zero",
        "redis://localhost/0/1",
        "redis://localhost/-1",
        "redis://localhost:0",
        "redis://localhost:70000",
        "redis://localhost:99999999",
        "redis://localhost:port",
        "redis://local host",
        "redis://local\nhost",
        "redis://one,two",
        "redis://one..two",
        "redis://" + "x" * 64,
        "redis://6379",
        "redis://1.2.3",
        "redis://1.2.3.256",
        "redis://::1:6379",
        "redis://[::1",
        "redis://[::g]",
        "redis://[::1]x",
        "redis://x[::1]",
        "redis://[127.0.0.1]",
        "redis://user:pa/ss@host",
        "redis://user:pa?ss@host",
        "redis://user:pa#ss@host",
        "redis://user:pa[ss@host",
        "redis://:\udcff@localhost",
        "redis://localhost/0?nonsense=1",
        "redis://localhost/0?ssl_ca_certs=/ca.pem",
        "redis://localhost?db=zero",
        "redis://localhost?db=-1",
        "redis://localhost?db=",
        "redis://localhost?client_name=two%20words",
        "redis://localhost?decode_responses=0",
        "redis://localhost?retry=3",
        "redis://localhost?retry_on_timeout=1",
        "redis://localhost?socket_timeout=60",
        "redis://localhost?connection_class=x",
        "rediss://localhost?ssl_cert_reqs=CERT_NONE",
        "rediss://localhost?ssl_keyfile=/key.pem",
        "rediss://localhost?ssl_include_verify_flags=VERIFY_NOTHING",
        "unix://",
        "unix:///",
        "unix:///run/",
        "unix:/run/redis.sock",
        "unix://run/redis.sock",
        "unix:///run/redis%00.sock",
        "unix:///" + "x" * 107,
        "unix:///run/redis.sock?ssl_ca_certs=/ca.pem",
        "redis+sentinel://localhost",
        "redis+sentinel://localhost/",
        "redis+sentinel:///primary",
        "redis+sentinel://host:port/primary",
        "redis+sentinel://host:0/primary",
        "redis+sentinel://host:70000/primary",
        "redis+sentinel://::1/primary",
        "redis+sentinel://::1:26379/primary",
        "redis+sentinel://[::1/primary",
        "redis+sentinel://[::g]/primary",
        "redis+sentinel://one,,two/primary",
        "redis+sentinel://one,/primary",
        "redis+sentinel://,one/primary",
        "redis+sentinel://one two/primary",
        "redis+sentinel://one : 1,two/primary",
        "redis+sentinel://one/primary/zero",
        "redis+sentinel://one/my primary",
        "redis+sentinel://one/primary?ssl=1",
        "redis+sentinel://one/primary#1",
        "redis+sentinel://user:p@ss@one/primary",
        "redis+cluster://",
        "redis+cluster:///",
        "redis+cluster://one/0",
        "redis+cluster://one?db=0",
        "redis+cluster://one?db=",
        "redis+cluster://one,,two",
        "redis+cluster://one,",
        "redis+cluster://,one",
        "redis+cluster://one two",
        "redis+cluster://one : 1,two",
        "redis+cluster://one:0",
        "redis+cluster://one,two:70000",
        "redis+cluster://one,1.2.3",
        "redis+cluster://::1,one",
        "redis+cluster://[::1,one",
        "redis+cluster://[::g],one",
        "redis+cluster://one#1",
        "redis+cluster://user:p@ss@one",
        "redis+cluster://one?ssl_ca_certs=/ca.pem",
        "redis+cluster://one?read_from_replicas=1",
        "rediss+cluster://one?ssl_cert_reqs=CERT_NONE",
        "rediss+cluster://one,two?ssl_keyfile=/key.pem",
        "unix+cluster:///run/redis.sock",
    ],
)
def test_a_redis_that_cannot_be_reached_is_named(url: str) -> None:
    assert list(problems(REDIS_URL=url)) == ["REDIS_URL"]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:password@host:5432/name?sslmode=require",
        "postgres://user:p%40%2Fss@host/name",
        "postgresql://host",
        "postgresql://127.0.0.1:5433/name",
        "postgresql://user@[::1]:5432/name",
        "postgresql:///name?host=/run/postgresql",
        "postgresql://%2Frun%2Fpostgresql/name",
        "postgresql://one:5432,two:5433/name?target_session_attrs=read-write",
        "postgresql://one,two/name?port=5433",
        "postgresql://host/name?hostaddr=10.0.0.7&sslmode=verify-full&sslrootcert=/ca.pem",
        "postgresql://host/name?connect_timeout=5&keepalives_idle=30&application_name=x&client_encoding=UTF8",
        "postgresql://host/name?options=-c%20search_path%3Donboarding",
        "postgresql://b%C3%BCro:p%C3%A4ss@host/k%C3%BCche",
        "postgresql://host/name?ssl=true",
        "postgresql://host/name?sslmode=require&sslnegotiation=direct&channel_binding=require",
        "postgresql://host/name?gssencmode=require",
    ],
)
def test_every_kind_of_postgresql_is_welcome(url: str) -> None:
    assert environment.load({**COMPLETE, "DATABASE_URL": f"{url}\n"}).database_url.reveal() == url


@pytest.mark.parametrize(
    "url",
    [
        "host/name",
        "mysql://host/name",
        "postgresql+psycopg://host/name",
        "jdbc:postgresql://host/name",
        "POSTGRESQL://host/name",
        "postgresql:host",
        "host=localhost dbname=name",
        "postgresql://",
        "postgresql:///name",
        "postgresql://user:hunter2@/name",
        "postgresql://host:port/name",
        "postgresql://host:0/name",
        "postgresql://host:70000/name",
        "postgresql://host:-1/name",
        "postgresql://one,,two/name",
        "postgresql://one,two/name?port=1,2,3",
        "postgresql://one,two/name?hostaddr=10.0.0.1",
        "postgresql://host/name?hostaddr=localhost",
        "postgresql://one..two/name",
        "postgresql://1.2.3/name",
        "postgresql://[::1/name",
        "postgresql://[::1]x/name",
        "postgresql://::1/name",
        "postgresql:///name?host=/" + "x" * 100,
        "postgresql://user:hunter%zz@host/name",
        "postgresql://user:hunter%00@host/name",
        "postgresql://user:hunter%ff@host/name",
        "postgresql://user:hunt@er@host/name",
        "postgresql://user:hunt/er@host/name",
        "postgresql://user:12/hunter@host/name",
        "postgresql://user:hunter 2@host/name",
        "postgresql://user:hunter\t2@host/name",
        "postgresql://user:hunter\x002@host/name",
        "postgresql://user:hunter\udcff@host/name",
        "postgresql://host/name?hunter=2",
        "postgresql://host/name?sslmode",
        "postgresql://host/name?sslmode=hunter",
        "postgresql://host/name?target_session_attrs=hunter",
        "postgresql://host/name?connect_timeout=hunter",
        "postgresql://host/name?keepalives_idle=30s",
        "postgresql://host/name?client_encoding=latin1",
        "postgresql://host/name?replication=database",
        "postgresql://host/name?service=hunter",
        "postgresql://host/name?gssencmode=hunter",
        "postgresql://host/name?sslnegotiation=direct&sslmode=disable",
    ],
)
def test_a_postgresql_that_cannot_be_reached_is_named_and_never_shown(url: str) -> None:
    report = problems(DATABASE_URL=url)
    assert list(report) == ["DATABASE_URL"]
    assert "hunt" not in report["DATABASE_URL"]


@pytest.mark.parametrize(
    "url",
    [
        "http://proxy.internal:3128",
        "http://user:p%40ss@proxy:8080/",
        "http://key:@10.0.0.1:8080",
        "http://us%C3%A9r:password@[::1]:3128",
    ],
)
def test_an_outgoing_proxy_has_a_host_and_a_port(url: str) -> None:
    proxy = environment.load({**COMPLETE, "OUTGOING_PROXY": f" {url} "}).outgoing_proxy
    assert proxy
    assert proxy.reveal() == url


@pytest.mark.parametrize(
    "url",
    [
        "proxy:3128",
        "https://proxy:3128",
        "socks5://proxy:1080",
        "HTTP//proxy:1",
        "http://proxy",
        "http://proxy:",
        "http://proxy:0",
        "http://proxy:70000",
        "http://:3128",
        "http://user:password@:3128",
        "http://proxy:3128/path",
        "http://proxy:3128?x=1",
        "http://proxy:3128#x",
        "http://user@proxy:3128",
        "http://:password@proxy:3128",
        "http://user:%E2%82%AC@proxy:3128",
        "http://user:a%0D%0Ab@proxy:3128",
        "http://user:pass word@proxy:3128",
        "http://user:\udcff@proxy:3128",
    ],
)
def test_an_outgoing_proxy_that_cannot_be_asked_is_named(url: str) -> None:
    assert list(problems(OUTGOING_PROXY=url)) == ["OUTGOING_PROXY"]


CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBJTCBzKADAgECAgEBMAoGCCqGSM49BAMCMBIxEDAOBgNVBAMMB1Rlc3QgQ0Ew
HhcNMjUwMTAxMDAwMDAwWhcNMzUwMTAxMDAwMDAwWjASMRAwDgYDVQQDDAdUZXN0
IENBMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEkRCjg4ilkLIfn22Yee8fPYeg
dXLoWRIgIvrKUmym2/A0tm/XHnEbznbbUcdW3d8FUmsl6WEkZo4gEMTg4sN8V6MT
MBEwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAsDa/IADRXc1I
o177G1oZKqAD1YXJ7WS42bJMl78AX8ACIEb77S94lGw4q8gbXz1IWaXfF8kbF9Tx
jjuGfu9ZZGjb
-----END CERTIFICATE-----
"""
"""Of a certificate authority that nobody has the key of."""


def test_a_file_of_certificate_authorities_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "the company's ca.pem"
    for text in (CERTIFICATE, f"# Our own\n{CERTIFICATE}\n# The other\n{CERTIFICATE}"):
        file.write_text(text, "utf-8")
        assert environment.load({**COMPLETE, "CA_FILE": f"{file}\n"}).ca_file == str(file)


@pytest.mark.parametrize(
    "content",
    ["", "\n", "not a certificate", CERTIFICATE[:-40], CERTIFICATE + CERTIFICATE.replace("MII", "MIX"), "\x00" * 100],
)
def test_a_file_without_certificates_is_named(content: str, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text(content, "utf-8")
    assert list(problems(CA_FILE=str(file))) == ["CA_FILE"]


@pytest.mark.parametrize("name", ["", "missing.pem", "ca.pem/ca.pem", "x" * 300, "a\x00b", "\udcff"])
def test_a_path_that_is_no_file_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(CERTIFICATE, "utf-8")
    assert list(problems(CA_FILE=f"{tmp_path}/{name}")) == ["CA_FILE"]


def test_fallback_keys_come_before_the_key_that_signs() -> None:
    settings = environment.load({**COMPLETE, "SECRET_KEY_FALLBACKS": f"{'a' * 32}, {'b' * 32}"})
    assert [key.reveal()[0] for key in settings.secret_keys] == ["a", "b", "k"]


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Connect.Example.com/", "https://connect.example.com"),
        ("https://connect.example.com:443", "https://connect.example.com"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://localhost:80", "http://localhost"),
    ],
)
def test_the_public_url_is_kept_as_browsers_write_it(url: str, origin: str) -> None:
    assert environment.load({**COMPLETE, "PUBLIC_URL": url}).public_url == origin


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_URL", "connect.example.com"),
        ("PUBLIC_URL", "http://connect.example.com"),
        ("PUBLIC_URL", "https://connect.example.com/slack"),
        ("PUBLIC_URL", "https://user@connect.example.com"),
        ("PUBLIC_URL", "https://connect.example.com?x=1"),
        ("PUBLIC_URL", "https://connect.example.com:port"),
        ("PUBLIC_URL", "https://bücher.example"),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY_FALLBACKS", f"{'a' * 32},short"),
        ("SECRET_KEY", " " * 40),
        ("SECRET_KEY", "k" * 31 + " \n"),
        ("SECRET_KEY", "\udcff" * 40),
        ("SECRET_KEY_FALLBACKS", "\udcff" * 40),
        ("SUPPORT_CONTACT", "javascript://a@b.example"),
        ("SLACK_URL", "https://slack.com;script-src"),
        ("PUBLIC_URL", "https://connect.example.com:0"),
        ("PUBLIC_URL", "https://connect.example\\.com"),
        ("PUBLIC_URL", "https://connect.example.com:70000"),
        ("PUBLIC_URL", "https://connect..example.com"),
        ("PUBLIC_URL", "https://:443"),
        ("PUBLIC_URL", "https://[::1"),
        ("PUBLIC_URL", "https://[::1]x"),
        ("PUBLIC_URL", "https://1.2.3"),
        ("PUBLIC_URL", "https://a%2eb.example"),
        ("PUBLIC_URL", "https://" + "x" * 64 + ".example"),
        ("PUBLIC_URL", "https://connect.example.com?"),
        ("PUBLIC_URL", "https://connect .example.com"),
        ("SLACK_CLIENT_ID", "with space"),
        ("SLACK_CLIENT_ID", "with:colon"),
        ("SLACK_CLIENT_SECRET", "naïve"),
        ("SLACK_SCOPES", "chat:write;users:read"),
        ("SLACK_SCOPES", ","),
        ("SLACK_URL", "http://slack.com"),
        ("SLACK_URL", "https://slack.com/api"),
        ("NOVU_URL", "api.novu.co"),
        ("NOVU_URL", "ftp://api.novu.co"),
        ("NOVU_URL", "https://api.novu.co:0"),
        ("NOVU_URL", "https://api.novu.co?"),
        ("NOVU_URL", "https://api.novu.co/#"),
        ("NOVU_URL", "https://user@api.novu.co"),
        ("NOVU_URL", "https://api..novu.co"),
        ("NOVU_SECRET_KEY", "two\nlines"),
        ("NOVU_INTEGRATION_IDENTIFIER", " "),
        ("API_KEYS", "short"),
        ("ADMIN_PASSWORD", "short"),
        ("ADMIN_PASSWORD", "two lines\nnobody can type"),
        ("ADMIN_PASSWORD", "\udcff" * 12),
        ("PRODUCT_NAME", "x" * 81),
        ("SUPPORT_CONTACT", "call us"),
        ("SUPPORT_CONTACT", "a\udcff@b.example"),
        ("SUPPORT_CONTACT", "javascript:alert(1)"),
        ("LINK_MAX_AGE", "7d"),
        ("LINK_MAX_AGE", "0"),
        ("LINK_MAX_AGE", "-1"),
        ("LINK_MAX_AGE", "9" * 30),
        ("ATTEMPT_RETENTION", "1e6"),
        ("TRUSTED_PROXY_COUNT", "11"),
        ("LOG_LEVEL", "LOUD"),
        ("DIRECT_INSTALL", "yes"),
        ("DIRECT_INSTALL", "01"),
        ("DIRECT_INSTALL", "2"),
    ],
)
def test_a_malformed_setting_is_named(name: str, value: str) -> None:
    assert list(problems(**{name: value})) == [name]


OIDC = {
    "OIDC_ISSUER": "https://login.example.com/tenant/",
    "OIDC_CLIENT_ID": "client",
    "OIDC_CLIENT_SECRET": "oidc-secret",
    "OIDC_ALLOWED_EMAILS": "Olivia@Example.com, @sprocket.example",
}


def test_single_sign_on_is_all_or_nothing() -> None:
    assert environment.load(COMPLETE).oidc is None
    assert set(problems(OIDC_ISSUER=OIDC["OIDC_ISSUER"])) == set(OIDC) - {"OIDC_ISSUER"}
    oidc = environment.load({**COMPLETE, **OIDC}).oidc
    assert oidc
    assert oidc.allowed == {"olivia@example.com", "@sprocket.example"}
    assert oidc.operators == frozenset()
    assert oidc.redirect_uri == "https://connect.example.com/admin/sign-in/callback"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OIDC_ISSUER", "http://login.example.com"),
        ("OIDC_ISSUER", "login.example.com"),
        ("OIDC_ISSUER", "https://login.example.com/?x=1"),
        ("OIDC_ISSUER", "https://login.example.com/?"),
        ("OIDC_ISSUER", "https://login.example.com:70000"),
        ("OIDC_ISSUER", "https://login..example.com"),
        ("OIDC_CLIENT_SECRET", "two words"),
        ("OIDC_ALLOWED_EMAILS", "example.com"),
        ("OIDC_ALLOWED_EMAILS", "*"),
        ("OIDC_ALLOWED_EMAILS", "@"),
        ("OIDC_ALLOWED_EMAILS", "a@b@example.com"),
        ("OIDC_OPERATOR_EMAILS", "everybody"),
    ],
)
def test_a_wrong_single_sign_on_setting_is_named(name: str, value: str) -> None:
    assert set(problems(**{**OIDC, name: value})) == {name}


def test_single_sign_on_alone_opens_the_status_page() -> None:
    assert not environment.load(COMPLETE).has_status_page
    assert environment.load({**COMPLETE, **OIDC}).has_status_page
    assert environment.load({**COMPLETE, "ADMIN_PASSWORD": "p" * 12}).has_status_page


def test_an_api_key_has_to_fit_into_a_header() -> None:
    assert set(problems(API_KEYS="ü" * 32)) == {"API_KEYS"}
    assert set(problems(API_KEYS="two words and more than thirty-two characters")) == {"API_KEYS"}


def test_an_international_domain_name_is_told_how_it_is_written() -> None:
    assert "punycode" in problems(PUBLIC_URL="https://bücher.example")["PUBLIC_URL"]
    assert environment.load({**COMPLETE, "PUBLIC_URL": "https://xn--bcher-kva.example"})


EVERYTHING = {
    **COMPLETE,
    **OIDC,
    "SECRET_KEY_FALLBACKS": f"{'a' * 32},{'b' * 32}",
    "SLACK_URL": "https://slack.example.com",
    "SLACK_SCOPES": "chat:write,channels:read",
    "NOVU_URL": "https://novu.example.com/api",
    "API_KEYS": f"{'c' * 32},{'d' * 32}",
    "ADMIN_PASSWORD": "correct horse battery",
    "OIDC_OPERATOR_EMAILS": "olivia@example.com",
    "PRODUCT_NAME": "Sprocket & Sons",
    "SUPPORT_CONTACT": "help@sprocket.example",
    "LINK_MAX_AGE": "60",
    "ATTEMPT_RETENTION": "61",
    "TRUSTED_PROXY_COUNT": "2",
    "OUTGOING_PROXY": "http://proxy:3128",
    "LOG_LEVEL": "DEBUG",
    "DIRECT_INSTALL": "1",
}
WHITE_SPACE = st.text(" \t\r\n\v\f\u00a0\u2028", max_size=3)


@given(WHITE_SPACE, WHITE_SPACE)
def test_white_space_at_the_ends_of_any_setting_does_not_count(before: str, after: str) -> None:
    padded = {name: f"{before}{value}{after}" for name, value in EVERYTHING.items()}
    assert environment.load(padded) == environment.load(EVERYTHING)


@pytest.mark.parametrize("name", sorted(EVERYTHING))
def test_white_space_at_the_ends_is_cut_from_each_setting(name: str) -> None:
    assert environment.load({**EVERYTHING, name: f" {EVERYTHING[name]}\n"}) == environment.load(EVERYTHING)


@pytest.mark.parametrize("blank", ["", " ", "\n", "\t \r\n"])
def test_a_blank_setting_counts_as_not_given(blank: str) -> None:
    optional = dict.fromkeys({*EVERYTHING, "CA_FILE"} - set(COMPLETE), blank)
    assert environment.load({**COMPLETE, **optional}) == environment.load(COMPLETE)
    with pytest.raises(ConfigError) as caught:
        environment.load(dict.fromkeys(COMPLETE, blank))
    assert {(problem.name, problem.message) for problem in caught.value.problems} == {
        (name, "is required") for name in REQUIRED
    }


def test_white_space_inside_a_value_stays_what_it_was() -> None:
    settings = environment.load(EVERYTHING)
    assert settings.brand.product_name == "Sprocket & Sons"
    assert settings.admin_password
    assert settings.admin_password.reveal() == "correct horse battery"
    assert list(problems(NOVU_SECRET_KEY="two words")) == ["NOVU_SECRET_KEY"]


@pytest.mark.parametrize("name", sorted(EVERYTHING))
def test_bytes_that_are_not_text_are_refused_in_each_setting(name: str) -> None:
    assert list(problems(**{**EVERYTHING, name: f"{EVERYTHING[name]}\udcff"})) == [name]


@pytest.mark.parametrize("color", ["#949494", "#0a7d5c", "#000000", "#4A154B"])
def test_an_accent_that_stands_out_from_a_white_page_is_kept(color: str) -> None:
    assert environment.load({**COMPLETE, "ACCENT_COLOR": color}).brand.accent_color == color.lower()


@pytest.mark.parametrize("color", ["#ffffff", "#959595", "#ffcc00", "#00ff00"])
def test_an_accent_that_cannot_be_told_from_a_white_page_is_refused(color: str) -> None:
    assert "contrast of at least 3:1" in problems(ACCENT_COLOR=color)["ACCENT_COLOR"]


@pytest.mark.parametrize("color", ["0a7d5c", "#fff", "#0a7d5c80", "teal", "#0a7d5g", "#0a7d5c;}"])
def test_an_accent_is_a_colour_in_hexadecimal(color: str) -> None:
    assert problems(ACCENT_COLOR=color) == {"ACCENT_COLOR": "must be a colour like #0a7d5c"}


@pytest.mark.parametrize(
    "logo",
    [
        "https://cdn.example.com/logo.png?v=2",
        "http://localhost:3000/logo.svg",
        "data:image/svg+xml;base64,PHN2Zy8+",
        "data:image/png;base64,iVBORw==",
    ],
)
def test_a_logo_may_be_an_https_image_or_data(logo: str) -> None:
    assert environment.load({**COMPLETE, "PRODUCT_LOGO_URL": logo}).brand.logo_url == logo


@pytest.mark.parametrize(
    "logo",
    [
        "http://cdn.example.com/logo.png",
        'https://cdn.example.com/"logo.png',
        "https://cdn.example.com/'logo.png",
        "https://cdn.example.com/a.png;script-src",
        "https://cdn.example.com/a.png,b",
        "https://cdn.example.com/a b.png",
        "https://user@cdn.example.com/a.png",
        "https://[::1]/a.png",
        "http://[::1]:3000/a.png",
        "https://[2001:db8::1]:8443/a.png",
        "https://cdn.example.com/ä.png",
        "/static/logo.png",
        "javascript:alert(1)",
        "data:text/html;base64,PHN2Zy8+",
        "data:image/svg+xml,<svg/>",
        "data:image/png;base64,",
        "data:image/png;base64," + "A" * 100_000,
    ],
)
def test_a_logo_that_does_not_fit_into_a_page_and_its_policy_is_refused(logo: str) -> None:
    assert list(problems(PRODUCT_LOGO_URL=logo)) == ["PRODUCT_LOGO_URL"]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://user@example.com/privacy", "/privacy", "https://ä.example"]
)
def test_a_privacy_policy_is_a_page_that_can_be_linked(url: str) -> None:
    assert list(problems(PRIVACY_URL=url)) == ["PRIVACY_URL"]
    good = "https://sprocket.example/privacy?lang=en"
    assert environment.load({**COMPLETE, "PRIVACY_URL": good}).brand.privacy_url == good
