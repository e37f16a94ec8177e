"""`syncd account`: who may have devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli import options, output
from syncd.cli.deployment import on_deployment

if TYPE_CHECKING:
    from syncd.accounts import Account
    from syncd.bootstrap import Deployment

app = typer.Typer(no_args_is_help=True, help="Accounts: who may have devices.")


@app.command(epilog="Example: syncd account create alice --json")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people call it; unique.")],
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Make an account."""

    async def work(deployment: Deployment) -> Account:
        return await deployment.accounts.create(name)

    account = on_deployment(work, config_file=config_file, data_dir=data_dir)
    if as_json:
        output.result_json({"account": account.account})
    else:
        output.result(f"account {account.account} ({output.visible(account.name)})")
        output.note(f"link its first device with: syncd device link {account.account} --name phone")


@app.command("list", epilog="Example: syncd account list")
def list_(
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """List all accounts, oldest first."""

    async def work(deployment: Deployment) -> Sequence[Account]:
        return await deployment.accounts.all()

    accounts = on_deployment(work, config_file=config_file, data_dir=data_dir)
    if as_json:
        output.result_json(accounts)
        return
    from syncd.operations.moment import moment

    rows = [(account.account, moment(account.created_ms), account.name) for account in accounts]
    output.table(("ACCOUNT", "CREATED", "NAME"), rows)
