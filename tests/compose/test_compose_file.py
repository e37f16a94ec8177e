"""`docker-compose.yml`, the image and what stands in front of it, read without running them."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
import typer
import yaml
from compose_file import NGINX, PROMETHEUS, ROOT, Service, document, services
from typer.core import TyperGroup

from syncd.cli.app import app
from syncd.config import resolve
from syncd.limits import PING_INTERVAL_S
from syncd.testing import kafka
from syncd.testing.postgres import VERSIONS

DOCKERFILE = ROOT / "tools" / "Dockerfile"
OURS = [service for service in services().values() if service.is_ours]
ALL = list(services().values())


def name_of(service: Service) -> str:
    return service.name


def test_it_is_what_compose_reads() -> None:
    schema = json.loads((files("check_jsonschema.builtin_schemas.vendor") / "compose-spec.json").read_text())
    jsonschema.Draft7Validator(schema).validate(document())


def test_a_password_must_be_given() -> None:
    with pytest.raises(KeyError, match="POSTGRES_PASSWORD"):
        document({})


@pytest.mark.parametrize("service", ALL, ids=name_of)
def test_every_service_is_pinned_checked_and_nobody_of_importance(service: Service) -> None:
    given = service.definition
    assert re.fullmatch(r"[a-z/]+:\d+\.\d+(\.\d+)?", given["image"]), "a version, not a name that moves"
    assert given["cap_drop"] == ["ALL"]
    assert given["security_opt"] == ["no-new-privileges:true"]
    assert given["restart"] in ("unless-stopped", "on-failure")
    assert service.is_ours or str(given["user"]).split(":")[0] not in ("root", "0")
    assert service.health or service.name == "migrate", "only what ends has no health"


def test_what_others_made_has_the_version_that_the_tests_run() -> None:
    """Which bytes a registry has for a version is not known here: docs/operations.md says how to pin them by digest."""
    images = {service.name: service.definition["image"] for service in ALL}
    assert images["kafka"] == f"apache/kafka:{kafka.VERSION}"
    assert images["postgres"].removeprefix("postgres:").split(".")[0] in VERSIONS


@pytest.mark.parametrize("service", ALL, ids=name_of)
def test_who_is_waited_for_can_come(service: Service) -> None:
    for name, condition in service.waits_for.items():
        other = services()[name]
        assert condition == ("service_healthy" if other.health else "service_completed_successfully")


@pytest.mark.parametrize("service", OURS, ids=name_of)
def test_every_command_of_ours_is_one_of_the_program(service: Service) -> None:
    program = typer.main.get_command(app)
    assert isinstance(program, TyperGroup)
    name, *options = service.command
    command = program.commands[name]
    command.make_context(name, list(options))  # raises at an option that there is not


@pytest.mark.parametrize("service", OURS, ids=name_of)
def test_every_variable_of_ours_is_a_setting_and_its_value_can_be_used(service: Service) -> None:
    resolved = resolve(environ=dict(service.environment))
    assert resolved.unknown_variables == ()
    assert resolved.config.log_partitions
    assert all(isinstance(value, str) for value in service.environment.values()), "quote it, or YAML makes it a number"


def test_gateways_say_where_they_are_and_nginx_knows_them() -> None:
    conf = NGINX.read_text(encoding="utf-8")
    gateways = [service for service in OURS if service.command == ("gateway",)]
    assert len(gateways) == 2
    for gateway in gateways:
        path = f"/{gateway.name}/v1/sync"
        assert gateway.environment["SYNCD_PUBLIC_WS_URL"].endswith(path)
        assert f"location = {path} {{" in conf
        assert f"set $gateway {gateway.name}:8081;" in conf
        assert re.search(rf"(%|\*) +{gateway.name}:8081;", conf), "among all"


def test_nginx_waits_longer_than_a_silent_device_is_silent() -> None:
    (read_s,) = re.findall(r"proxy_read_timeout (\d+)s;", NGINX.read_text(encoding="utf-8"))
    assert int(read_s) > 2 * PING_INTERVAL_S


def test_every_address_is_that_of_a_service() -> None:
    everything = NGINX.read_text(encoding="utf-8") + PROMETHEUS.read_text(encoding="utf-8")
    everything += "".join(value for service in OURS for value in service.environment.values())
    named = set(re.findall(r"\b([a-z]+(?:-\d)?):(?:8080|8081|9092|5432|8082)\b", everything))
    assert named - {"localhost"} == {service.name for service in ALL} - {"migrate", "nginx"}


def test_prometheus_asks_everybody_who_goes_on() -> None:
    (job,) = yaml.safe_load(PROMETHEUS.read_text(encoding="utf-8"))["scrape_configs"]
    (static,) = job["static_configs"]
    expected = {
        f"{service.name}:{service.environment['SYNCD_METRICS_PORT']}" for service in OURS if service.name != "migrate"
    }
    assert set(static["targets"]) == expected


def test_volumes_lead_somewhere() -> None:
    named = set(document()["volumes"])
    for service in ALL:
        for volume in service.definition.get("volumes", ()):
            source = volume.split(":")[0]
            assert (ROOT / source).is_file() if source.startswith("./") else source in named


# --- the image ---


def instructions() -> list[tuple[str, str]]:
    """(word, the rest) of each line."""
    lines = [line for line in DOCKERFILE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def test_the_image_begins_at_a_version_and_runs_as_nobody_of_importance() -> None:
    starts = [rest.split(" ")[0] for word, rest in instructions() if word == "FROM"]
    assert all(re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", start) for start in starts)
    assert ("USER", "10001:10001") in instructions()
    assert ("ENTRYPOINT", '["syncd"]') in instructions()


def test_what_the_image_takes_is_there_and_is_sent_to_the_builder() -> None:
    ignored = (ROOT / "tools" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    for word, rest in instructions():
        if word == "COPY" and not rest.startswith("--from"):
            for source in rest.split(" ")[:-1]:
                assert (ROOT / source).exists(), source
                assert f"!{source}" in ignored


def pins(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", path.read_text(encoding="utf-8"), re.MULTILINE))


def test_the_image_has_the_versions_that_were_tested() -> None:
    image, tested = pins(ROOT / "tools" / "image.lock"), pins(ROOT / "requirements.lock")
    assert image.items() <= tested.items()
    assert {"aiokafka", "opentelemetry-sdk", "setuptools", "asyncpg"} <= image.keys()
    assert not {"pytest", "mypy"} & image.keys()
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert {re.split(r"[^a-z0-9-]", each)[0] for each in wanted} <= image.keys()


def test_an_image_s_version_is_the_program_s() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {service.definition["image"] for service in OURS} == {f"syncd:{version}"}
