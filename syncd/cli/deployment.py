"""Running a command's work on the deployment that the settings name, beside whatever server runs on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from syncd.bootstrap import Deployment
    from syncd.config import Config
    from syncd.operations.transfer.gather import Place

T = TypeVar("T")


def on_deployment(work: Callable[[Deployment], Awaitable[T]], *, config_file: Path | None, data_dir: Path | None) -> T:
    """Connect, do the work, let go, and return its result.

    An embedded Postgres is joined where it runs, else started for as long as the work takes.
    """
    from syncd import bootstrap

    config = settings_of(config_file, data_dir)

    async def main() -> T:
        async with bootstrap.open_deployment(config) as deployment:
            bootstrap.calm_collector()
            return await work(deployment)

    return bootstrap.run(main())


def settings_of(config_file: Path | None, data_dir: Path | None) -> Config:
    """The settings of a command, with its logs configured."""
    from syncd.config import load
    from syncd.logs import configure_logs

    config = load(flags={"data_dir": data_dir}, file=config_file)
    # A command's result is its output; what rooms log in passing is of interest only when something is wrong.
    configure_logs(form=config.log_format, level="debug" if config.log_level == "debug" else "warning")
    return config


def place_of(deployment: Deployment) -> Place:
    """A deployment as a transfer sees it."""
    from syncd.operations.transfer.gather import Place

    return Place(deployment.log, deployment.store, deployment.accounts)


def is_deployment(target: str) -> bool:
    """Whether a text that names where something goes means a deployment: a database's address, or a data folder."""
    return _is_database(target) or target.endswith("/") or Path(target).is_dir()


def _is_database(target: str) -> bool:
    return target.startswith(("postgresql://", "postgres://"))


def other_deployment(target: str) -> AbstractAsyncContextManager[Deployment]:
    """A deployment beside ours, with its log in Postgres.

    Args:
        target: a database's address, or the data folder of an embedded one.
    """
    from syncd import bootstrap
    from syncd.config import Config

    if _is_database(target):
        return bootstrap.open_deployment(Config(database_url=target))
    return bootstrap.open_deployment(Config(data_dir=Path(target)))
