"""`syncd repartition`: another number of partitions for the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli import options, output
from syncd.cli.confirm import Yes, confirm
from syncd.cli.deployment import settings_of
from syncd.cli.progress import progress
from syncd.limits import PARTITIONS_MAX

if TYPE_CHECKING:
    from syncd.operations.repartition import Repartitioned


def repartition(
    partitions: Annotated[
        int, typer.Argument(metavar="COUNT", min=1, max=PARTITIONS_MAX, help="How many there shall be.")
    ],
    topic: Annotated[
        str | None,
        typer.Option(
            "--topic", metavar="URL", help="Where the log is in Kafka: the new topic, as kafka://host:port/name."
        ),
    ] = None,
    yes: Yes = False,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Give the log another number of partitions. All servers must be stopped.

    Every record moves to the partition that its stream has from then on; a new life of the log begins, in which every
    device takes a snapshot, and projectors fold everything once more. In Postgres that is one transaction, which needs
    room for the log twice: interrupted, nothing has happened. In Kafka records are copied into a new topic: when it was
    interrupted, run it again. The old topic stays for you to delete.
    """
    from syncd import bootstrap
    from syncd.operations.repartition import repartition as operation

    config = settings_of(config_file, data_dir)
    if (config.log == "postgres") != (topic is None):
        raise typer.BadParameter(f"SYNCD_LOG is {config.log}: --topic is for a log in Kafka, and needed there")
    confirm(f"Move all records into {partitions} partitions?", yes=yes)

    async def main() -> Repartitioned:
        if topic is not None:
            with progress("copying", unit="records") as advance:
                return await bootstrap.repartition_topic(config, topic, partitions, progress=advance)
        async with bootstrap.open_database(config) as dsn:
            with progress("moving", unit="steps") as advance:
                return await operation(dsn, partitions, progress=advance)

    done = bootstrap.run(main())
    if as_json:
        output.result_json(done)
    else:
        output.result(
            f"{done.records} records lie in {done.partitions} partitions, {done.partitions_old} before", style="green"
        )
        changes = [] if topic is None else [f"SYNCD_LOG to {topic}"]
        changes += [] if config.log_partitions is None else [f"SYNCD_LOG_PARTITIONS to {partitions}"]
        output.note("".join(f"set {change}; " for change in changes) + "then start the servers again")
