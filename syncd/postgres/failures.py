"""What the driver's errors mean for what was asked. They stop at the adapters and travel on as `__cause__`."""

from __future__ import annotations

from socket import gaierror
from typing import Final

import asyncpg

DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""Everything that a statement, or a connection, can end with besides its result."""

_CONNECTION_CLASS = "08"

_SENTENCES: Final = {
    TimeoutError: "the database did not answer in time",
    ConnectionRefusedError: "the database cannot be reached: nothing listens at its address",
    gaierror: "the database cannot be reached: the name of its host has no address",
    asyncpg.InvalidPasswordError: "the database refuses the user or the password",
    asyncpg.InvalidAuthorizationSpecificationError: "the database refuses the user",
    asyncpg.InvalidCatalogNameError: "the database does not exist on its server",
    asyncpg.TooManyConnectionsError: "the database takes no more connections",
}
"""Of what an operator meets and mends; the rest is named after its class."""


def says_no(error: BaseException) -> bool:
    """Whether the error proves that the statement's transaction is not and will not be committed.

    True for an answer of the server about the statement (severity ERROR): Postgres answers so only before the commit.
    True for input that the driver could not encode: it never left. False for everything that leaves the question open:
    a connection that broke, a deadline, and FATAL, with which a backend may end after it has committed.
    """
    if isinstance(error, asyncpg.DataError):
        return True
    if not isinstance(error, asyncpg.PostgresError):
        return False
    severity = getattr(error, "severity_en", None) or getattr(error, "severity", None)
    return severity == "ERROR" and not (error.sqlstate or _CONNECTION_CLASS).startswith(_CONNECTION_CLASS)


def is_bad_data(error: BaseException) -> bool:
    """Whether Postgres, or the driver, cannot take what it was given, as text with a NUL, or one key twice in a batch.

    Asking again cannot help.
    """
    return isinstance(
        error, asyncpg.DataError | asyncpg.IntegrityConstraintViolationError | asyncpg.CardinalityViolationError
    )


def lacks_schema(error: BaseException) -> bool:
    """Whether a table or column is missing: migrations have not been applied."""
    return isinstance(error, asyncpg.UndefinedTableError | asyncpg.UndefinedColumnError)


def sentence(error: BaseException) -> str:
    """The public part of a driver's error: its kind, never its text, which may quote somebody's data."""
    if lacks_schema(error):
        return "the database lacks a table or column: run `syncd migrate`"
    for kind, words in _SENTENCES.items():
        if isinstance(error, kind):
            return words
    sqlstate = getattr(error, "sqlstate", None)
    return f"the database failed: {type(error).__name__}" + (f" ({sqlstate})" if sqlstate else "")
