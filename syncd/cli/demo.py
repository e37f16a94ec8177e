"""`syncd demo`: three devices of a fresh account, in this terminal, on the server that runs.

The devices are real ones, made of the SDK and connected by sockets. One of them is taken offline by breaking its
connection, both sides go on, it comes back, and the digests tell whether all agree.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

from syncd.cli import exit_codes, output
from syncd.errors import LoginExpired, Unavailable

if TYPE_CHECKING:
    from syncd.cli.demo_scenes import Agreement
    from syncd.config import Config

DEVICES: Final = ("phone", "laptop", "speaker")
SECONDS: Final = 20.0
"""How long the demo takes, by default: slow enough to be followed."""
PROBE_TIMEOUT_S: Final = 2.0
"""How long the server may take to accept a connection before the demo says that there is none."""
_ANYWHERE: Final = ("0.0.0.0", "::", "")  # noqa: S104 - recognised, not listened on


def run_demo(config: Config, *, seconds: float = SECONDS, as_json: bool = False) -> None:
    """Show the demo, and say whether all devices agree.

    Args:
        config: of the deployment that the server runs on; its host and ports are where it is looked for.
        seconds: how long it should take; 0 goes as fast as it can.
        as_json: print only the outcome, as JSON.

    Raises:
        Unavailable: no server answers, or it stopped answering.
        SystemExit: 1, the devices do not agree. That would be a bug of syncd.
    """
    from syncd import bootstrap
    from syncd.logs import configure_logs

    configure_logs(form=config.log_format, level="error")
    agreement = bootstrap.run(_demo(config, seconds=seconds, as_json=as_json))
    if as_json:
        output.result_json(agreement.document())
    else:
        for line in agreement.lines():
            output.result(line, style="bold green" if agreement.agree else "bold red")
    if not agreement.agree:
        sys.exit(exit_codes.NEGATIVE.code)


async def _demo(config: Config, *, seconds: float, as_json: bool) -> Agreement:
    from syncd.cli.demo_scenes import DemoDevice, Scenes
    from syncd.cli.demo_screen import LinesScreen, LiveScreen, Screen, SilentScreen

    url = await _find_server(config)
    tokens = await _link_devices(config)
    async with AsyncExitStack() as stack:
        devices = [DemoDevice(name, url, token) for name, token in tokens.items()]
        for device in devices:
            await stack.enter_async_context(device)
        screen: Screen
        if as_json:
            screen = SilentScreen()
        elif sys.stdout.isatty():
            screen = LiveScreen([(device.name, device) for device in devices])
        else:
            screen = LinesScreen()
        with screen.running():
            try:
                return await Scenes(devices, screen, seconds=seconds).play()
            except Unavailable as error:
                if any(isinstance(device.error, LoginExpired) for device in devices):
                    other = Unavailable(f"the server at {url} runs on another data folder than this command")
                    other.add_note("name its folder with --data-dir, or with SYNCD_DATA_DIR")
                    raise other from error
                raise


async def _find_server(config: Config) -> str:
    """Where the server of this configuration listens for sockets.

    Raises:
        Unavailable: it does not.
    """
    from syncd.protocol.version import PATH

    host = "127.0.0.1" if config.host in _ANYWHERE else config.host
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, config.ws_port)
    except (OSError, TimeoutError) as error:
        unavailable = Unavailable(f"no server answers at {host}:{config.ws_port}")
        unavailable.add_note("start one with: syncd serve")
        raise unavailable from error
    writer.close()
    return f"ws://{f'[{host}]' if ':' in host else host}:{config.ws_port}{PATH}"


async def _link_devices(config: Config) -> dict[str, str]:
    """A fresh account with its devices: name -> token."""
    from syncd import bootstrap
    from syncd.operations.devices import link_device

    async with bootstrap.open_deployment(config) as deployment:
        account = await deployment.accounts.create(f"demo-{secrets.token_hex(4)}")
        linked = [
            await link_device(deployment.accounts, deployment.log, deployment.clock, account.account, name=name)
            for name in DEVICES
        ]
        return {device.name: device.token for device in linked}
