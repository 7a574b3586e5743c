"""Redis Cluster: every key alone finds its node, whichever it is by now; and what a lost node costs."""

from __future__ import annotations

import secrets
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from redis.crc import key_slot

from onboarding.clock import utc_now
from onboarding.ephemeral import facts
from onboarding.ephemeral import store as storage
from onboarding.ephemeral.answers import Answer, Answers
from onboarding.ephemeral.channels import KnownChannels, Read
from onboarding.ephemeral.checks import Checked, Checks
from onboarding.ephemeral.limits import SIGN_INS, Limit, Limits
from onboarding.ephemeral.repeats import Repeats
from onboarding.ephemeral.sessions import Role, Session, Sessions
from onboarding.ephemeral.states import Claim, States
from onboarding.flows.browsers import attempt_id
from onboarding.model import Secret
from onboarding.model.errors import TooManyStarts, TooOften
from tests.admin.operator import PASSWORD, Operator
from tests.api.host import KEY, KEYS, Host
from tests.cluster import QUICK, STEADY, Node, Nodes, clustered
from tests.conftest import MintLink
from tests.fakes import LocalNovu, LocalSlack
from tests.person import Page, Person, state_of
from tests.service import free_port
from tests.test_delivery import until
from tests.test_redis import tls_in_front_of
from tests.tls import authority
from tests.witness import Witness

MANY = 24
"""So many random keys lie on all three primaries, but for one case in five thousand."""
SOON = 2.0


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with tempfile.TemporaryDirectory(prefix="onboarding-") as folder, clustered(Path(folder)) as nodes:
        yield nodes


@pytest.fixture
def client(nodes: Nodes) -> Iterator[storage.Redis]:
    for node in nodes.primaries:
        node.client.flushall()
    with storage.connect(Secret(nodes.url)) as client:
        yield client


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Callable[..., Node]]:
    """Starts nodes that are a whole cluster each."""
    started: list[Node] = []

    def start(*options: str, port: int | None = None) -> Node:
        node = Node(tmp_path / str(len(started)), *options, port=port)
        started.append(node)
        node.take((0, 16383))
        until(lambda: node.do("CLUSTER INFO")["cluster_state"] == "ok", 5)
        return node

    yield start
    for node in started:
        node.end()


@pytest.fixture
def doomed(tmp_path: Path) -> Iterator[Nodes]:
    """A cluster that a test may harm."""
    with clustered(tmp_path) as nodes:
        yield nodes


def soon(ask: Callable[[], Page]) -> Page:
    began = time.monotonic()
    page = ask()
    assert time.monotonic() - began < SOON
    return page


# Each operation, on every node.


def test_states_are_begun_and_claimed_on_every_node(client: storage.Redis, nodes: Nodes) -> None:
    states = States(client)
    for name in (secrets.token_urlsafe(8) for _ in range(MANY)):
        states.begin(name, "hash", counted=name)
        assert states.claim(name, "other") == Claim.OTHER_BROWSER
        assert states.claim(name, "hash", "code") == Claim.CLAIMED
        assert states.claim(name, "hash", "code") == Claim.ALREADY_CLAIMED
        assert states.claimed_with(name) == "code"
        assert states.claimed_for(name) < timedelta(seconds=5)  # type: ignore[operator]
    _all_expire_and_are_ours(nodes)


def test_starts_are_counted_across_nodes(client: storage.Redis) -> None:
    states = States(client)
    for number in range(30):
        states.begin(f"attempt-{number}", "hash", counted="somebody")
    with pytest.raises(TooManyStarts):
        states.begin("one-more", "hash", counted="somebody")


def test_answers_sessions_and_forms_are_kept_on_every_node(client: storage.Redis, nodes: Nodes) -> None:
    answers, sessions, repeats = Answers(client), Sessions(client), Repeats(client)
    key, first, second = Secret(KEY), Answer("a", {"n": 1}), Answer("b", {"n": 2})
    for name in map(str, range(MANY)):
        assert answers.claim(key, name)
        assert not answers.claim(key, name)
        answers.release(key, name)
        assert (answers.keep(key, name, first), answers.keep(key, name, second)) == (first, first)
        assert answers.find(key, name) == first
        assert (repeats.first(name, "made"), repeats.first(name, "again")) == ("made", "made")
        cookie = sessions.begin(Session(name, Role.VIEWER, "proof"))
        assert sessions.get(cookie) == Session(name, Role.VIEWER, "proof")
    sessions.end(cookie)
    assert sessions.get(cookie) is None
    _all_expire_and_are_ours(nodes)


def test_limits_and_what_is_remembered_for_a_while_work_on_every_node(client: storage.Redis, nodes: Nodes) -> None:
    limits, channels, checks = Limits(client), KnownChannels(client), Checks(client)
    for name in map(str, range(MANY)):
        for _ in range(SIGN_INS.a_minute):
            limits.spend(Limit(SIGN_INS, name))
        with pytest.raises(TooOften):
            limits.spend(Limit(SIGN_INS, name))
        limits.forgive(Limit(SIGN_INS, name))
        limits.spend(Limit(SIGN_INS, name))
        channels.put(name, "T1", Read((("C1", "general"),), None))
        assert channels.get(name, "T1") == Read((("C1", "general"),), None)
    checks.put(Checked((), (), utc_now()))
    assert checks.get()
    _all_expire_and_are_ours(nodes)


def _all_expire_and_are_ours(nodes: Nodes) -> None:
    held = nodes.held()
    assert all(node.client.dbsize() for node in nodes.primaries)
    assert [key for key, left in held.items() if left < 1 or not key.startswith("onboarding:")] == []


# Where a key is, and where it goes.


@pytest.fixture
def moving(nodes: Nodes, client: storage.Redis) -> Iterator[str]:
    """A key whose slot is on its way from the second primary to the node that has none."""
    client.ping()
    source, target = nodes.primaries[1], nodes.spare
    key = next(key for key in map("onboarding:{}".format, range(99)) if nodes.owner(key) is source)
    target.do("CLUSTER SETSLOT", key_slot(key.encode()), "IMPORTING", source.id)
    source.do("CLUSTER SETSLOT", key_slot(key.encode()), "MIGRATING", target.id)
    yield key
    target.client.flushall()
    _give(nodes, key, source)


def _give(nodes: Nodes, key: str, owner: Node) -> None:
    for node in (owner, *nodes.primaries, nodes.spare):
        node.do("CLUSTER SETSLOT", key_slot(key.encode()), "NODE", owner.id)


def test_a_key_is_found_while_its_slot_moves_and_after_it_did(moving: str, nodes: Nodes, client: storage.Redis) -> None:
    assert storage.keep_first(client, moving, "one", timedelta(minutes=1)) == "one"
    assert nodes.spare.client.dbsize() == 1
    assert client.get(moving) == "one"
    _give(nodes, moving, nodes.spare)
    assert storage.keep_first(client, moving, "two", timedelta(minutes=1)) == "one"


@pytest.mark.parametrize("scheme", ["redis+cluster", "rediss+cluster"])
def test_connections_to_nodes_keep_the_policy_of_all(scheme: str) -> None:
    connection = storage.KINDS[scheme](**storage.POLICY)
    assert isinstance(connection, storage._Fresh)
    assert connection._trusted_for == 30
    assert (connection.socket_timeout, connection.socket_connect_timeout) == (1, 1)
    assert connection.retry.get_retries() == 0
    assert type(connection._parser).__name__ == "_HiredisParser"


@pytest.mark.parametrize(("trusted_for", "is_kept"), [(60.0, True), (0.05, False)])
def test_connections_to_nodes_that_rested_are_opened_anew(nodes: Nodes, trusted_for: float, is_kept: bool) -> None:
    with storage.connect(Secret(nodes.url), trusted_for=trusted_for) as client:
        before = _connected(nodes, client)
        time.sleep(0.1)
        assert (_connected(nodes, client) == before) is is_kept


def _connected(nodes: Nodes, client: storage.Redis) -> set[str]:
    client.get("onboarding:a")
    owner = nodes.owner("onboarding:a").client
    return {each["id"] for each in owner.client_list(_type="normal") if each["cmd"] == "get"}


# The whole service.


@pytest.fixture
def service(client: storage.Redis, nodes: Nodes, make_app: Callable[..., Flask], witness: Witness) -> Flask:
    witness.secrets |= {KEY, PASSWORD}
    return make_app(REDIS_URL=nodes.url, API_KEYS=KEYS, ADMIN_PASSWORD=PASSWORD)


def test_customers_hosts_and_operators_notice_nothing(
    service: Flask, slack: LocalSlack, novu: LocalNovu, witness: Witness, mint: MintLink, nodes: Nodes
) -> None:
    for number in range(4):
        somebody = Person(service, slack, witness)
        assert somebody.install(mint(context={"tenant": f"t{number}"})).heading == "Acme HQ is connected"
    host, operator = Host(service, witness), Operator(service, slack, witness)
    assert [host.create(key="k").status for _ in range(2)] == [201, 201]
    assert host.create(key="k").body["id"] == host.create(key="k").body["id"]
    assert operator.sign_in().status == 303
    assert operator.open("/admin").status == 200
    assert operator.open("/readyz").status == 200
    stranger = Operator(service, slack, witness)
    assert [stranger.sign_in("wrong").status for _ in range(6)][-1] == 429
    _all_expire_and_are_ours(nodes)
    assert len(novu.state.connections) == 4


def test_the_service_starts_while_the_cluster_is_away_and_finds_it_later(
    alone: Callable[..., Node], make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness, link: str
) -> None:
    port = free_port()
    somebody = Person(make_app(REDIS_URL=f"redis+cluster://127.0.0.1:{port}"), slack, witness)
    assert [soon(lambda: somebody.press(link)).status for _ in range(2)] == [503, 503]
    assert somebody.open("/readyz").status == 503
    alone(port=port)
    assert somebody.install(link).heading == "Acme HQ is connected"


def test_it_works_over_tls_with_a_user_and_a_password(
    alone: Callable[..., Node],
    make_app: Callable[..., Flask],
    slack: LocalSlack,
    witness: Witness,
    link: str,
    tmp_path: Path,
) -> None:
    witness.secrets.add("hidden-word")
    trusted, inside = authority(tmp_path), tmp_path / "redis.sock"
    with tls_in_front_of(inside, trusted.server("localhost")) as port:
        announced = ("--cluster-announce-ip", "127.0.0.1", "--cluster-announce-port", str(port))
        node = alone("--unixsocket", str(inside), *announced)
        node.do("ACL", "SETUSER", "onboarding", "on", ">hidden-word", "~onboarding:*", "+@all")
        node.do("ACL", "SETUSER", "default", "off")
        url = f"rediss+cluster://onboarding:hidden-word@127.0.0.1:{port}?ssl_ca_certs={trusted.file}"
        good, unnamed, refused = (
            Person(make_app(REDIS_URL=each), slack, witness)
            for each in (
                f"{url}&ssl_check_hostname=no",
                url,
                f"{url.replace('hidden-word', 'another')}&ssl_check_hostname=no",
            )
        )
        # A busy machine may take longer for the first handshake than anybody waits.
        until(lambda: good.press(link).status == 303, 20)
        assert good.install(link).heading == "Acme HQ is connected"
        assert [unnamed.press(link).status, refused.press(link).status] == [503, 503]


def test_what_is_wrong_with_a_cluster_is_told(client: storage.Redis, nodes: Nodes) -> None:
    assert list(facts.problems(client)) == []
    node = nodes.spare
    node.do("CONFIG", "SET", "requirepass", "hidden-word")
    found = [
        list(facts.problems(storage.connect(Secret(f"redis+cluster://{address}"))))
        for address in (f"127.0.0.1:{free_port()}", f"127.0.0.1:{node.port}", f":wrong@127.0.0.1:{node.port}")
    ]
    assert found == [
        ["Redis does not answer (Unreachable)"],
        ["Redis does not answer (AuthenticationError)"],
        ["Redis does not answer (AuthenticationError)"],
    ]
    node.do("CONFIG", "SET", "requirepass", "")


# Nodes that go.


def test_a_killed_primary_costs_refusals_until_its_replica_took_over(
    doomed: Nodes, make_app: Callable[..., Flask], slack: LocalSlack, novu: LocalNovu, witness: Witness, mint: MintLink
) -> None:
    app = make_app(REDIS_URL=doomed.url, API_KEYS=KEYS, ADMIN_PASSWORD=PASSWORD)
    somebody, host, operator = Person(app, slack, witness), Host(app, witness), Operator(app, slack, witness)
    back = _return_to(doomed.primaries[0], doomed, somebody, mint)
    kept = [host.create(key=str(number)).body["id"] for number in range(6)]
    idle = States(storage.connect(Secret(doomed.url)))
    lost = attempt_id(Secret(state_of(back)))
    assert idle.claimed_with(lost) is None
    assert operator.sign_in().status == 303
    assert doomed.primaries[0].do("WAIT", 1, 1000) == 1
    doomed.give_up_after(QUICK)
    doomed.primaries[0].process.kill()

    pages = [soon(lambda: somebody.open(back))]
    while pages[-1].status == 503:
        assert len(pages) < 200
        time.sleep(0.05)
        pages.append(soon(lambda: somebody.open(back)))

    doomed.give_up_after(STEADY)
    assert pages[0].status == 503
    assert somebody.follow(pages[-1]).heading == "Acme HQ is connected"
    assert idle.claimed_with(lost)
    assert len(novu.state.connections) == 1
    assert [host.create(key=str(number)).body["id"] for number in range(6)] == kept
    assert operator.open("/admin").status == 200
    stranger = Operator(app, slack, witness)
    for number in range(6):
        assert somebody.install(mint(context={"tenant": str(number)})).heading == "Acme HQ is connected"
        assert stranger.sign_in("wrong").status == (403 if number < 5 else 429)


def _return_to(node: Node, nodes: Nodes, somebody: Person, mint: MintLink) -> str:
    """The address of a return from Slack whose state lies on this node."""
    while True:
        back = somebody.come_back(mint())
        if nodes.owner(f"onboarding:state:{attempt_id(Secret(state_of(back)))}") is node:
            return back


def test_silent_nodes_hold_up_nobody_for_long(
    doomed: Nodes, make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness, mint: MintLink, link: str
) -> None:
    app = make_app(REDIS_URL=doomed.url)
    crowd = [Person(app, slack, witness) for _ in range(8)]
    back = _return_to(doomed.primaries[0], doomed, crowd[0], mint)
    assert doomed.primaries[0].do("WAIT", 1, 1000) == 1
    doomed.give_up_after(QUICK)
    doomed.primaries[0].signal(signal.SIGSTOP)
    until(lambda: soon(lambda: crowd[0].open(back)).status == 303, 20)
    doomed.signal(signal.SIGSTOP)
    with ThreadPoolExecutor(len(crowd)) as threads:
        for _ in range(2):
            assert set(threads.map(lambda each: soon(lambda: each.press(link)).status, crowd)) == {503}
        doomed.signal(signal.SIGCONT)
        until(lambda: crowd[0].press(link).status == 303, 20)


def test_nodes_that_never_answer_are_not_asked_in_turn_for_long(
    make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness, link: str
) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(4)]
        url = "redis+cluster://" + ",".join(f"127.0.0.1:{each.getsockname()[1]}" for each in silent)
        somebody = Person(make_app(REDIS_URL=url), slack, witness)
        assert somebody.open(link).status == 200
        assert soon(lambda: somebody.press(link)).status == 503
