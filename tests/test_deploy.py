"""The files for deploying agree with the code, and with each other. No engine, cluster or systemd is needed."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask

from onboarding import create_app
from onboarding.model.errors import ConfigError
from onboarding.sandbox.serve import serving
from onboarding.settings import environment

ROOT = Path(__file__).parent.parent
KUBERNETES = ROOT / "deploy/kubernetes"
UNITS = {name: ROOT / f"deploy/systemd/onboarding-{name}.service" for name in ("web", "worker")}
OUTSIDE = {"PORT", "WEB_CONCURRENCY", "GUNICORN_CMD_ARGS"}
"""Read by gunicorn and its settings."""
OF_COMPOSE = {"POSTGRES_PASSWORD"}
BIN = "/opt/slack-onboarding/.venv/bin/"
ADDRESSES = {
    "DATABASE_URL": "postgresql://onboarding:password@localhost:5432/onboarding",
    "REDIS_URL": "redis://localhost:6379/0",
}
NO_NAME = 65532


class Watched(dict[str, str]):
    """An environment that knows what it was asked for."""

    def __init__(self, values: dict[str, str]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)


def text(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


def example() -> dict[str, str]:
    """The settings of .env.example, also those in comments."""
    return dict(re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", text(".env.example"), re.MULTILINE))


def filled_in() -> dict[str, str]:
    """.env.example as an operator leaves it: what is open is filled in, what is a comment stays one."""
    given = dict(re.findall(r"^([A-Z_]+)=(.*)$", text(".env.example"), re.MULTILINE))
    return {**{name: value or "filled-in-" * 4 for name, value in given.items()}, **ADDRESSES}


def settings() -> set[str]:
    """Every variable that the code reads, single sign-on and webhooks included."""
    env = Watched({"OIDC_ISSUER": "https://id.example.com", "WEBHOOK_URL": "https://example.com"})
    with pytest.raises(ConfigError):
        environment.load(env)
    return env.asked


def procfile() -> dict[str, list[str]]:
    lines = [line.partition(":") for line in text("Procfile").splitlines()]
    return {name: shlex.split(command) for name, _, command in lines}


def instructions() -> list[tuple[str, str]]:
    """Those of the Dockerfile, comments and continued lines put aside."""
    lines = "\n".join(line for line in text("Dockerfile").splitlines() if not line.startswith("#"))
    found = (line.split(None, 1) for line in re.sub(r"\\\n\s*", "", lines).splitlines() if line)
    return [(name, rest) for name, rest in found]


def final_stage() -> dict[str, str]:
    listed = instructions()
    start = max(number for number, (name, _) in enumerate(listed) if name == "FROM")
    return dict(listed[start:])


def compose() -> Any:
    return yaml.safe_load(text("compose.yaml"))


def manifests() -> list[dict[str, Any]]:
    """Those that Kustomize applies, and the ingress of the example."""
    kustomization = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text("utf-8"))
    files = [*kustomization["resources"], "ingress.yaml"]
    return [each for name in files for each in yaml.safe_load_all((KUBERNETES / name).read_text("utf-8"))]


def deployments() -> dict[str, Any]:
    return {
        each["metadata"]["name"].removeprefix("onboarding-"): each["spec"]["template"]["spec"]
        for each in manifests()
        if each["kind"] == "Deployment"
    }


def containers() -> dict[str, Any]:
    """By the process that each is for."""
    pods = deployments().values()
    return {each["name"]: each for pod in pods for each in (*pod["initContainers"], *pod["containers"])}


def exec_starts(unit: Path, key: str) -> list[list[str]]:
    return [
        shlex.split(line.replace(BIN, "")) for line in re.findall(rf"^{key}=-?(.*)$", unit.read_text("utf-8"), re.M)
    ]


@pytest.fixture(scope="module")
def service() -> Flask:
    """Asks no store: only what it knows by itself is looked at."""
    return create_app(filled_in())


def test_the_example_names_every_setting_and_no_other() -> None:
    assert set(example()) - OF_COMPOSE - {"PORT", "WEB_CONCURRENCY"} == settings()


def test_the_example_says_what_each_setting_is() -> None:
    lines = text(".env.example").splitlines()
    first = [number for number, line in enumerate(lines) if re.match(r"(# )?[A-Z_]+=", line)]
    groups = [number for number in first if number - 1 not in first]
    assert all(re.match(r"# \S.*[.:]$", lines[number - 1]) for number in groups)


def test_the_example_is_complete_once_its_gaps_are_filled() -> None:
    assert environment.load(filled_in()).public_url == "https://connect.example.com"


def test_defaults_in_the_example_are_those_of_the_code() -> None:
    defaults = {name: value for name, value in example().items() if value and name not in OUTSIDE}
    assert environment.load({**filled_in(), **defaults}) == environment.load(filled_in())


def test_the_example_holds_no_secret() -> None:
    secret = re.compile(r"SECRET|KEY|PASSWORD")
    assert not {name: value for name, value in example().items() if secret.search(name) and value}


def test_every_way_to_deploy_runs_the_commands_of_the_procfile() -> None:
    wanted = procfile()
    assert set(wanted) == {"release", "web", "worker"}
    assert {name: compose()["services"][name]["command"] for name in wanted} == wanted
    assert {name: containers()[name]["command"] for name in wanted} == wanted
    assert {name: exec_starts(unit, "ExecStart") for name, unit in UNITS.items()} == {
        name: [wanted[name]] for name in UNITS
    }
    assert exec_starts(UNITS["web"], "ExecStartPre") == [wanted["release"]]
    assert json.loads(final_stage()["CMD"]) == wanted["web"]
    assert all(f"`{shlex.join(command)}`" in text("docs/deploy.md") for command in wanted.values())


def test_every_variable_that_is_set_somewhere_is_one_that_is_read() -> None:
    names = {name for each in compose()["services"].values() for name in each.get("environment", {})}
    names -= {"POSTGRES_USER", "POSTGRES_DB"}
    names |= set(re.findall(r"\$\{([A-Z_]+)", text("compose.yaml")))
    names |= {variable["name"] for each in containers().values() for variable in each.get("env", [])}
    names |= {
        name for unit in UNITS.values() for name in re.findall(r'^Environment="?([A-Z_]+)', unit.read_text(), re.M)
    }
    names |= set(re.findall(r"`(?:[^`]*[ ×(])?([A-Z]+_[A-Z_]+)", text("docs/deploy.md")))
    assert names >= {"DATABASE_URL", "PORT", "TRUSTED_PROXY_COUNT"}
    assert names - settings() - OUTSIDE == OF_COMPOSE


def test_probes_ask_for_paths_that_are_there(service: Flask) -> None:
    routes = {str(rule) for rule in service.url_map.iter_rules()}
    web = containers()["web"]
    asked = {kind: web[kind]["httpGet"] for kind in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {kind: each["path"] for kind, each in asked.items()} == {
        "startupProbe": "/livez",
        "livenessProbe": "/livez",
        "readinessProbe": "/readyz",
    }
    named = {each["path"] for each in asked.values()} | set(re.findall(r"'(/\w+)'", final_stage()["HEALTHCHECK"]))
    assert named | set(re.findall(r"`(/(?:live|ready)z)`", text("docs/deploy.md"))) <= routes
    ports = {port["name"]: port["containerPort"] for port in web["ports"]}
    assert {each["port"] for each in asked.values()} == set(ports)
    assert {"name": "PORT", "value": str(*ports.values())} in web["env"]


def test_the_health_check_of_the_image_follows_livez(service: Flask) -> None:
    check = json.loads(final_stage()["HEALTHCHECK"].partition("CMD ")[2])
    assert check[0] == "python"

    def status(port: str) -> int:
        command = [sys.executable, *check[1:]]
        return subprocess.run(command, env={"PORT": port}, capture_output=True, check=False).returncode

    with serving(service) as url:
        assert status(url.rpartition(":")[2]) == 0
    assert status(url.rpartition(":")[2]) == 1


def test_the_image_is_pinned_to_a_version_of_python_that_the_project_supports() -> None:
    images = [rest.split()[0] for name, rest in instructions() if name == "FROM"]
    versions = [re.fullmatch(r"python:3\.(\d+)-slim", image) for image in images]
    assert len(set(images)) == 1
    assert all(version and int(version[1]) >= 11 for version in versions)


def test_the_image_runs_without_root_and_takes_signals_itself() -> None:
    stage = final_stage()
    user, group = stage["USER"].split(":")
    assert user.isdecimal()
    assert int(user) == int(group) == NO_NAME
    assert isinstance(json.loads(stage["CMD"]), list)
    assert "ENTRYPOINT" not in stage
    assert "--start-period=" in stage["HEALTHCHECK"]


def test_the_image_holds_what_was_locked_for_production_only() -> None:
    installs = [rest for name, rest in instructions() if name == "RUN" and "install" in rest]
    assert len(installs) == 1
    assert re.search(r"--only-binary :all: --require-hashes -r /requirements\.txt$", installs[0])
    assert [rest for name, rest in instructions() if name == "ARG"] == ["LOCK=requirements.txt"]
    copied = {rest.split()[0] for name, rest in instructions() if name == "COPY" and "--from" not in rest}
    assert copied == {"$LOCK", "onboarding", "templates", "static"}
    copied = copied - {"$LOCK"} | {"requirements.txt", "requirements-tracing.txt"}
    ignored = text(".dockerignore").splitlines()
    assert "*" in ignored
    assert copied == {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert all((ROOT / path).exists() for path in copied)
    assert "onboarding/sandbox" in ignored


def test_an_address_of_postgresql_is_judged_alike_for_an_account_without_a_name() -> None:
    judge = (
        "import os, sys; from onboarding.settings.database_url import database_url\n"
        f"os.getuid() or os.setuid({NO_NAME})\n"
        "print([database_url(address) for address in sys.argv[1:]])"
    )
    good, bad = ADDRESSES["DATABASE_URL"], f"{ADDRESSES['DATABASE_URL']}?sslmode=maybe"
    command = [sys.executable, "-c", judge, good, bad]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.stdout, done.stderr) == ("[None, 'has an option with a value it cannot have']\n", "")


def test_compose_starts_everything_in_order_and_again_after_a_crash() -> None:
    services = compose()["services"]
    assert set(services) == {"release", "web", "worker", "postgres", "valkey"}
    for name in ("web", "worker"):
        assert {needed: each["condition"] for needed, each in services[name]["depends_on"].items()} == {
            "postgres": "service_healthy",
            "valkey": "service_healthy",
            "release": "service_completed_successfully",
        }
    assert services["release"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert {name: each["restart"] for name, each in services.items()} == {
        **dict.fromkeys(services, "unless-stopped"),
        "release": "no",
    }
    assert set(services["postgres"]["healthcheck"]) >= {"test", "interval", "retries"}
    assert set(services["valkey"]["healthcheck"]) >= {"test", "interval", "retries"}


def test_compose_gives_no_container_more_than_it_needs() -> None:
    described = compose()
    for each in described["services"].values():
        assert each["read_only"] is True
        assert each["cap_drop"] == ["ALL"]
        assert each["security_opt"] == ["no-new-privileges:true"]
        assert "build" in each or re.fullmatch(r"[a-z/]+:\d+", each["image"])
    for name in ("postgres", "valkey"):
        assert described["services"][name]["networks"] == ["stores"]
        assert "ports" not in described["services"][name]
    assert described["networks"]["stores"] == {"internal": True}
    assert set(described["volumes"]) == {"postgres"}
    assert described["services"]["web"]["ports"] == ["127.0.0.1:8000:8000"]


def test_kubernetes_gives_no_container_more_than_it_needs() -> None:
    for pod in deployments().values():
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == NO_NAME
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for each in containers().values():
        assert each["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert set(each["resources"]) == {"requests", "limits"}
        assert each["envFrom"] == [{"secretRef": {"name": "onboarding"}}]


def test_kubernetes_knows_no_namespace_and_finds_its_pods() -> None:
    listed = manifests()
    assert not [each for each in listed if "namespace" in each["metadata"]]
    labels = [each["spec"]["template"]["metadata"]["labels"] for each in listed if each["kind"] == "Deployment"]
    selectors = {
        f"{each['kind']}/{each['metadata']['name']}": found.get("matchLabels", found)
        for each in listed
        if (found := each["spec"].get("selector") or each["spec"].get("podSelector"))
    }
    assert len(selectors) == 7
    for name, selector in selectors.items():
        assert [each for each in labels if selector.items() <= each.items()], name


def test_kubernetes_lets_pods_finish_what_they_do() -> None:
    graceful = 30
    for name, pod in deployments().items():
        assert pod["terminationGracePeriodSeconds"] >= graceful + (5 if name == "web" else 0), name


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
def test_units_run_without_an_account_and_give_up_on_a_wrong_configuration(unit: Path) -> None:
    lines = unit.read_text("utf-8").splitlines()
    assert {"DynamicUser=yes", "Restart=always", "RestartPreventExitStatus=2", "ProtectHome=yes"} <= set(lines)
    assert {"EnvironmentFile=/etc/slack-onboarding.env", "CapabilityBoundingSet="} <= set(lines)


def test_the_document_names_files_that_are_there() -> None:
    links = re.findall(r"\]\((\.\.[^)]*)\)", text("docs/deploy.md"))
    assert links
    assert all((ROOT / "docs" / link).exists() for link in links)
