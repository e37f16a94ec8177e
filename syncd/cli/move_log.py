"""`syncd move-log`: from Postgres into Kafka."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli import options, output
from syncd.cli.confirm import Yes, confirm
from syncd.cli.deployment import settings_of
from syncd.cli.progress import progress

if TYPE_CHECKING:
    from syncd.operations.move_log import Moved


def move_log(
    topic: Annotated[str, typer.Argument(metavar="URL", help="The topic, as kafka://host:port[,host:port]/name.")],
    yes: Yes = False,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Move the log from Postgres into a Kafka topic while servers run.

    Offsets, cursors and checkpoints stay the same. Appends are refused for as long as the last few records take;
    devices keep their events, come back and go on. Interrupted, nothing has happened: run it again. Servers need the
    settings `SYNCD_KAFKA_…` of that cluster before, and find the topic by themselves; set their SYNCD_LOG when it is
    done. The records in Postgres stay there.
    """
    from syncd import bootstrap

    config = settings_of(config_file, data_dir)
    confirm(f"Move the log to {topic}?", yes=yes)

    async def main() -> Moved:
        with progress("copying", unit="records") as advance:
            return await bootstrap.move_log(config, topic, progress=advance)

    moved = bootstrap.run(main())
    if as_json:
        output.result_json(moved)
    else:
        output.result(
            f"the log is in {moved.topic}: {moved.records} records in {moved.partitions} partitions; "
            f"appends were refused for {moved.closed_ms} ms",
            style="green",
        )
        output.note(f"set SYNCD_LOG to {moved.topic}")
