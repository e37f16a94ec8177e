"""What commands under `load/` are asked, and what they say when they are asked for something else."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Callable, Collection


def command(name: str, about: str | None) -> ArgumentParser:
    """A parser for `python -m <name>`.

    Args:
        about: the module's docstring, which is the help.
    """
    return ArgumentParser(prog=f"python -m {name}", description=about, formatter_class=RawDescriptionHelpFormatter)


def names_of(known: Collection[str]) -> Callable[[str], list[str]]:
    """For an argument that names some of these: `a,b`."""

    def parse(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in known:
                raise ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return names

    return parse


def sizes(*, least: int = 0) -> Callable[[str], list[int]]:
    """For an argument of numbers, smallest first: `1000,10000`."""

    def parse(text: str) -> list[int]:
        try:
            numbers = sorted({int(part) for part in text.split(",")})
        except ValueError as error:
            raise ArgumentTypeError(f"{text!r} is not a list of numbers, as 1000,10000") from error
        if numbers[0] < least:
            raise ArgumentTypeError(f"{numbers[0]} is below {least}, the smallest that can be measured")
        return numbers

    return parse
