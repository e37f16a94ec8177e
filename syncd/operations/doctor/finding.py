"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Verdict: TypeAlias = Literal["ok", "warn", "fail"]
"""`warn`: it works, or may; somebody should look. `fail`: something will not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`advice`: what to do; empty when it is ok."""

    name: str
    verdict: Verdict
    text: str
    advice: str = ""


def ok(name: str, text: str) -> Finding:
    return Finding(name, "ok", text)


def warn(name: str, text: str, advice: str) -> Finding:
    return Finding(name, "warn", text, advice)


def fail(name: str, text: str, advice: str) -> Finding:
    return Finding(name, "fail", text, advice)
