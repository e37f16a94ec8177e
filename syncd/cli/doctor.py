"""`syncd doctor`: can it work here?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from syncd.cli import exit_codes, options, output

if TYPE_CHECKING:
    from syncd.operations.doctor import Finding

STYLES = {"ok": "", "warn": "yellow", "fail": "bold red"}


def doctor(
    host: options.Host = None,
    port: options.Port = None,
    ws_port: options.WsPort = None,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Check whether it can work here, and say what to do.

    Looks at program, settings, data folder, disk, ports, database, tables, projection and clock, one line each. Ends
    with 1 when something fails; warnings are no failure.
    """
    from syncd import bootstrap
    from syncd.clock import SystemClock
    from syncd.config import resolve
    from syncd.logs import configure_logs
    from syncd.operations.doctor import Doors, examine

    flags = {"host": host, "port": port, "ws_port": ws_port, "data_dir": data_dir}
    resolved = resolve(flags=flags, file=config_file)
    configure_logs(form=resolved.config.log_format, level="error")

    doors = Doors(bootstrap.open_database, lambda config: bootstrap.open_deployment(config, migrating=False))

    async def main() -> list[Finding]:
        findings = []
        async for finding in examine(resolved, SystemClock(), doors):
            findings.append(finding)
            if not as_json:
                _print(finding)
        return findings

    findings = bootstrap.run(main())
    healthy = all(finding.verdict != "fail" for finding in findings)
    if as_json:
        output.result_json({"healthy": healthy, "findings": findings})
    if not healthy:
        raise typer.Exit(exit_codes.NEGATIVE.code)


def _print(finding: Finding) -> None:
    output.result(f"{finding.verdict:4}  {finding.name:18} {finding.text}", style=STYLES[finding.verdict])
    if finding.advice:
        output.result(f"      {'':18} -> {finding.advice}")
    output.flush()
