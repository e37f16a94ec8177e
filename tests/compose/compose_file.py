"""`docker-compose.yml` as the tests read it: variables put in, anchors resolved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
NGINX = ROOT / "docs" / "operations" / "nginx.conf"
PROMETHEUS = ROOT / "docs" / "operations" / "prometheus.yml"

VARIABLES = {"POSTGRES_PASSWORD": "kept-by-nobody"}
"""What `.env` must hold."""
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<how>[-?])(?P<text>[^}]*))?\}")


@dataclass(frozen=True)
class Service:
    """One service. `health`: the words of its check, none where it is turned off."""

    name: str
    definition: Mapping[str, Any]
    command: tuple[str, ...]
    environment: Mapping[str, str]
    health: tuple[str, ...] = ()
    waits_for: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_ours(self) -> bool:
        """Whether it runs our own image."""
        return "build" in self.definition


def document(variables: Mapping[str, str] = VARIABLES) -> dict[str, Any]:
    """The whole file, as Compose understands it."""
    text = _VARIABLE.sub(lambda match: _value(match, variables), FILE.read_text(encoding="utf-8"))
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def services(variables: Mapping[str, str] = VARIABLES) -> dict[str, Service]:
    return {name: _service(name, given) for name, given in document(variables)["services"].items()}


def _service(name: str, given: Mapping[str, Any]) -> Service:
    check = given.get("healthcheck", {}).get("test", ())
    assert not check or check[0] == "CMD", f"{name}: {check[0]} needs a shell"
    return Service(
        name=name,
        definition=given,
        command=tuple(given.get("command", ())),
        environment=given.get("environment", {}),
        health=() if given.get("healthcheck", {}).get("disable") else tuple(check[1:]),
        waits_for={other: how["condition"] for other, how in given.get("depends_on", {}).items()},
    )


def _value(match: re.Match[str], variables: Mapping[str, str]) -> str:
    value = variables.get(match["name"], "")
    if not value and match["how"] == "?":
        raise KeyError(f"{match['name']}: {match['text']}")
    return value or (match["text"] if match["how"] == "-" else "")
