"""Which of the driver's errors prove that nothing was written. Whoever is too sure here loses somebody's event."""

from __future__ import annotations

from socket import gaierror

import asyncpg
import pytest

from syncd.postgres.failures import DRIVER_ERRORS, is_bad_data, lacks_schema, says_no, sentence


def answer(error: type[asyncpg.PostgresError], severity: str) -> asyncpg.PostgresError:
    """An error as Postgres sends it; `S` is in the language of the server, `V` is not."""
    return asyncpg.PostgresError.new({"S": "FEHLER", "V": severity, "C": error.sqlstate or "", "M": "secret text"})


CERTAIN: list[Exception] = [
    answer(asyncpg.UniqueViolationError, "ERROR"),
    answer(asyncpg.QueryCanceledError, "ERROR"),
    answer(asyncpg.DeadlockDetectedError, "ERROR"),
    answer(asyncpg.ReadOnlySQLTransactionError, "ERROR"),
    asyncpg.DataError("invalid input for query argument $1"),
]
OPEN: list[Exception] = [
    answer(asyncpg.AdminShutdownError, "FATAL"),
    answer(asyncpg.CrashShutdownError, "PANIC"),
    answer(asyncpg.QueryCanceledError, "FATAL"),
    asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
    answer(asyncpg.ConnectionFailureError, "ERROR"),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.InternalClientError("got result for unknown protocol state"),
    ConnectionResetError(),
    TimeoutError(),
]


@pytest.mark.parametrize("error", CERTAIN, ids=lambda error: type(error).__name__)
def test_an_answer_about_the_statement_is_certain(error: BaseException) -> None:
    assert says_no(error)


@pytest.mark.parametrize("error", OPEN, ids=lambda error: type(error).__name__)
def test_everything_else_leaves_the_question_open(error: BaseException) -> None:
    assert not says_no(error)


@pytest.mark.parametrize("error", CERTAIN + OPEN, ids=lambda error: type(error).__name__)
def test_no_text_of_the_database_goes_out(error: BaseException) -> None:
    """It may quote the data of whoever wrote the row."""
    assert isinstance(error, DRIVER_ERRORS)
    assert "secret" not in sentence(error)
    assert sentence(error).startswith("the database ")


def test_what_an_operator_can_mend_is_said_in_words() -> None:
    assert sentence(ConnectionRefusedError()).endswith("nothing listens at its address")
    assert "host" in sentence(gaierror())
    assert "password" in sentence(answer(asyncpg.InvalidPasswordError, "FATAL"))
    assert "does not exist" in sentence(answer(asyncpg.InvalidCatalogNameError, "FATAL"))


def test_bad_data_and_missing_tables_are_told_apart() -> None:
    bad, missing = answer(asyncpg.CharacterNotInRepertoireError, "ERROR"), answer(asyncpg.UndefinedTableError, "ERROR")
    assert (is_bad_data(bad), lacks_schema(bad)) == (True, False)
    assert (is_bad_data(missing), lacks_schema(missing)) == (False, True)
    assert "syncd migrate" in sentence(missing)
