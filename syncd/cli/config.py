"""`syncd config`: the settings."""

from __future__ import annotations

import typer

from syncd.cli import options, output

app = typer.Typer(no_args_is_help=True, help="Settings.")

MASKED = "(secret)"


@app.command(epilog="Example: syncd config show --json")
def show(
    host: options.Host = None,
    port: options.Port = None,
    ws_port: options.WsPort = None,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Print every setting, its value, and where it came from. Secrets are masked."""
    from syncd.config import SETTINGS, nearest_variable, resolve

    flags = {"host": host, "port": port, "ws_port": ws_port, "data_dir": data_dir}
    resolved = resolve(flags=flags, file=config_file)
    values = {setting.name: getattr(resolved.config, setting.name) for setting in SETTINGS}
    shown = {
        setting.name: MASKED if setting.secret and values[setting.name] is not None else values[setting.name]
        for setting in SETTINGS
    }
    for name in resolved.unknown_variables:
        output.note(f"syncd: the variable {name} means nothing here{nearest_variable(name)}")
    if as_json:
        output.result_json({name: {"value": value, "from": resolved.sources[name]} for name, value in shown.items()})
    else:
        rows = [(name, _text(value), resolved.sources[name]) for name, value in shown.items()]
        output.table(("SETTING", "VALUE", "FROM"), rows)


def _text(value: object) -> str:
    if value in (None, "", ()):
        return "-"
    if isinstance(value, bool):
        return "on" if value else "off"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
