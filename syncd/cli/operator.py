"""`syncd operator`: who may use the console."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli import options, output
from syncd.cli.deployment import on_deployment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncd.bootstrap import Deployment
    from syncd.operators import NewOperator, Operator

app = typer.Typer(no_args_is_help=True, help="Operators: who may use the console.")


@app.command(epilog="Example: syncd operator create ben")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who it is, in lower case; unique.")],
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Make an operator, and print the token with which the console lets them in. It is shown once."""

    async def work(deployment: Deployment) -> NewOperator:
        return await deployment.operators.create(name)

    made = on_deployment(work, config_file=config_file, data_dir=data_dir)
    if as_json:
        output.result_json(made)
    else:
        output.result(f"operator {made.name}")
        output.result(f"token    {made.token}")
        output.note("shown once; the console at /console asks for it")


@app.command("list", epilog="Example: syncd operator list")
def list_(
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """List all operators, oldest first, also those whose token was revoked."""

    async def work(deployment: Deployment) -> Sequence[Operator]:
        return await deployment.operators.all()

    operators = on_deployment(work, config_file=config_file, data_dir=data_dir)
    if as_json:
        output.result_json(operators)
        return
    from syncd.operations.moment import moment

    rows = [
        (each.name, moment(each.made_ms), "stands" if each.revoked_ms is None else f"revoked {moment(each.revoked_ms)}")
        for each in operators
    ]
    output.table(("OPERATOR", "MADE", "TOKEN"), rows)


@app.command(epilog="Example: syncd operator revoke ben")
def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The operator's name.")],
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """End an operator's token for good. Twice is harmless."""

    async def work(deployment: Deployment) -> Operator:
        return await deployment.operators.revoke(name)

    revoked = on_deployment(work, config_file=config_file, data_dir=data_dir)
    if as_json:
        output.result_json(revoked)
    else:
        output.result(f"operator {revoked.name} is revoked")
