"""Runs the services of `docker-compose.yml` as processes: each at a loopback address of its own instead of a container.

What is changed is what a machine without containers lacks, and nothing else: names become addresses, folders of
containers become folders of this run, and Postgres is the tests' own. Commands, variables, ports, health checks and who
waits for whom are those of the file.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import parse_qs, urlsplit

from compose_file import NGINX, VARIABLES, Service, services

from syncd.testing.kafka import fetch_jars

HEALTHY_TIMEOUT_S: Final = 120.0
STOP_TIMEOUT_S: Final = 30.0
POLL_S: Final = 0.1
_JAVA: Final = ("java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
_LOGGERS: Final = "Configuration:\n  Loggers:\n    Root: {level: WARN}\n    Logger: []\n"
"""What the image's own set-up finds in the image."""


class Running:
    """The services that were started, and where they are."""

    def __init__(self, folder: Path, dsn: str) -> None:
        """`folder`: for their files. `dsn`: of an empty database."""
        self.folder = folder
        self._dsn = dsn
        net = f"127.{random.randint(16, 250)}.{random.randint(0, 250)}"
        self.hosts = {name: f"{net}.{place}" for place, name in enumerate(services(), 10)}
        variables = {**VARIABLES, "SYNCD_PUBLIC_HOST": f"{self.hosts['nginx']}:8080"}
        self.services = services(variables)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait(STOP_TIMEOUT_S)
        self._stack.close()

    # --- what Compose does ---

    def up(self, name: str) -> None:
        """Start a service when those that it waits for have come so far; twice is harmless."""
        if name in self._processes:
            return
        service = self.services[name]
        for other in service.waits_for:
            self.up(other)
        for other, condition in service.waits_for.items():
            if condition == "service_healthy":
                self.until_healthy(other)
            else:
                assert self._processes[other].wait(HEALTHY_TIMEOUT_S) == 0, self.said(other)
        if name == "postgres":
            return  # the tests' own runs already
        command = {"kafka": self._kafka, "nginx": self._nginx}.get(name, self._ours)(service)
        out = self._stack.enter_context((self.folder / f"{name}.log").open("wb"))
        self._processes[name] = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.folder, env=self.environment(service)
        )

    def until_healthy(self, name: str) -> None:
        """Wait until a service's own check says so."""
        end = time.monotonic() + HEALTHY_TIMEOUT_S
        while (check := self.checked(name)).returncode:
            process = self._processes.get(name)
            assert process is None or process.poll() is None, f"{name} ended: {self.said(name)}"
            assert time.monotonic() < end, f"{name} is not healthy: {check.stdout.decode()} {self.said(name)}"
            time.sleep(POLL_S)

    def checked(self, name: str) -> subprocess.CompletedProcess[bytes]:
        """One health check, run as the file has it."""
        service = self.services[name]
        words = [self._here(word, service) for word in service.health]
        if words[0] == "python":
            words[0] = sys.executable
        return subprocess.run(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self.environment(service), check=False,
            timeout=HEALTHY_TIMEOUT_S,
        )  # fmt: skip

    def execute(self, name: str, *command: str) -> str:
        """`docker compose exec`: what a command prints, run with a service's variables."""
        assert command[0] == "syncd"
        words = [sys.executable, "-m", "syncd.cli", *command[1:]]
        ran = subprocess.run(
            words, capture_output=True, text=True, cwd=self.folder, env=self.environment(self.services[name]),
            timeout=HEALTHY_TIMEOUT_S, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def stop(self, name: str) -> int:
        """SIGTERM, as Compose sends it; the exit code."""
        process = self._processes[name]
        process.send_signal(signal.SIGTERM)
        return process.wait(STOP_TIMEOUT_S)

    def said(self, name: str) -> str:
        """The end of what a service wrote."""
        return self.all_said(name)[-3_000:]

    def all_said(self, name: str) -> str:
        """Everything that a service wrote."""
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def lines(self, name: str) -> list[str]:
        """What a service wrote into its log; what it printed for people is no part of it."""
        return [line for line in self.all_said(name).splitlines() if line.startswith("{")]

    # --- instead of containers ---

    def address(self, text: str) -> str:
        """The same with an address for every name of a service that a port follows."""
        named = "|".join(sorted(self.hosts, key=len, reverse=True))
        return re.sub(rf"(?<![\w.-])({named})(?=[:/]\d)", lambda match: self.hosts[match[1]], text)

    def _here(self, text: str, service: Service) -> str:
        """What a container sees as itself is, here, the service's own address."""
        if service.name == "postgres":
            socket_folder = parse_qs(urlsplit(self._dsn).query)["host"][0]
            return text.replace("127.0.0.1", socket_folder)
        return self.address(text.replace("127.0.0.1", self.hosts[service.name]))

    def environment(self, service: Service) -> dict[str, str]:
        """Our own variables but for those of syncd, then the service's."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith("SYNCD_")}
        given = {name: self.address(value) for name, value in service.environment.items()}
        if service.is_ours:
            given |= {"SYNCD_HOST": self.hosts[service.name], "SYNCD_DATABASE_URL": self._dsn}
        if service.name == "kafka":
            given["KAFKA_LOG_DIRS"] = str(self.folder / "kafka-data")
        return {**ours, **given}

    def _ours(self, service: Service) -> list[str]:
        return [sys.executable, "-m", "syncd.cli", *service.command]

    def _kafka(self, service: Service) -> list[str]:
        """As the image does it: its wrapper makes settings of the variables, prepares the disk, and Kafka starts."""
        classpath = f"{fetch_jars()}/*"
        made = self.folder / "kafka"
        for name in ("defaults", "mounted", "final"):
            (made / name).mkdir(parents=True)
        for name, text in (("server.properties", ""), ("log4j2.yaml", _LOGGERS), ("tools-log4j2.yaml", _LOGGERS)):
            (made / "defaults" / name).write_text(text)
        subprocess.run(
            [*_JAVA, "-cp", classpath, "kafka.docker.KafkaDockerWrapper", "setup", "--default-configs-dir", "defaults",
             "--mounted-configs-dir", "mounted", "--final-configs-dir", "final"],
            cwd=made, env=self.environment(service), check=True, capture_output=True, timeout=HEALTHY_TIMEOUT_S,
        )  # fmt: skip
        return [*_JAVA, "-cp", classpath, "kafka.Kafka", str(made / "final" / "server.properties")]

    def _nginx(self, service: Service) -> list[str]:
        found = shutil.which("nginx")
        assert found is not None
        conf = self.folder / "nginx.conf"
        text = self.address(NGINX.read_text(encoding="utf-8")).replace("/tmp/", f"{self.folder}/")
        conf.write_text(text.replace("listen 8080;", f"listen {self.hosts['nginx']}:8080;"))
        return [found, "-c", str(conf), "-g", "daemon off;"]
