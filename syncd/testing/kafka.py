"""A real Kafka broker for tests, ready in a few seconds: one process that is broker and controller, in a folder.

    with running_kafka() as broker:
        log = await KafkaLog.open(broker.address, "events")
        broker.freeze()

`SYNCD_TEST_KAFKA=host:port` names a broker that runs already; else Maven fetches Kafka's jars once, and Java runs them.
By hand: `tools/kafka --help`.
"""

from __future__ import annotations

import argparse
import base64
import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from syncd.testing.ports import free_ports

VERSION: Final = "4.1.1"
JARS: Final = Path.home() / ".m2" / f"syncd-kafka-{VERSION}"
"""Where the jars are kept; nothing is fetched when this is there."""

FETCH_TIMEOUT_S: Final = 300.0
START_TIMEOUT_S: Final = 120.0
"""A loaded machine takes ten times as long as an idle one."""
STOP_TIMEOUT_S: Final = 60.0
POLL_S: Final = 0.05

# A small heap, and a compiler that is done soon: brokers of tests live for seconds.
_JAVA: Final = ("java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
_LOGGING: Final = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true")

_POM: Final = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>syncd</groupId><artifactId>kafka-for-tests</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version>
    </dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
"""

_SETTINGS: Final = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{login_port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{login_port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=PLAIN
listener.name.sasl_plaintext.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}="{password}";
log.dirs={folder}/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=300
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=true
log.retention.check.interval.ms=500
log.initial.task.delay.ms=500
"""
# auto.create is Kafka's default, and a trap that our tests shall not hide.

USER: Final = "tester"
PASSWORD: Final = "kept by nobody"  # noqa: S105 - of a broker that lives for a test


class KafkaMissing(Exception):
    """This machine cannot run a broker; says what is missing."""


@dataclass
class KafkaBroker:
    """A broker that can be stopped, killed and frozen; its address and data stay.

    Attributes:
        folder: its data, its settings and its own log, `broker.log`.
        login_port: the same with SASL PLAIN, for `USER` and `PASSWORD`.
    """

    folder: Path
    port: int = 0
    login_port: int = 0
    _controller_port: int = field(default=0, repr=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def login_address(self) -> str:
        return f"127.0.0.1:{self.login_port}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "the broker was not started"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended; a frozen one runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, on the data it has, and wait until it answers.

        Raises:
            KafkaMissing: no Java, or no jars and no way to them.
            RuntimeError: it ended, or does not answer in time; shows its log.
        """
        self.launch()
        self.wait_ready()

    def launch(self) -> None:
        """The first half of `start`. The broker ends with the thread that calls this, so let that be a lasting one."""
        classpath = f"{fetch_jars()}/*"
        settings = self._prepare(classpath)
        with (self.folder / "broker.log").open("ab") as out:
            command = [*_with_our_life(), *_JAVA, *_LOGGING, "-cp", classpath, "kafka.Kafka", str(settings)]
            self._process = subprocess.Popen(  # noqa: S603 - our own command, no shell
                command, stdout=out, stderr=out, stdin=subprocess.DEVNULL
            )

    def wait_ready(self) -> None:
        """The second half of `start`."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while not _answers(self.port):
            if not self.is_running or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"Kafka does not start in {START_TIMEOUT_S:g} s:\n{self.log_text()[-2_000:]}")
            time.sleep(POLL_S)

    def stop(self) -> None:
        """SIGTERM, and wait for its end. One that does not end is killed."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """SIGSTOP, and wait until it has reached every thread: connections stay, and nobody answers."""
        os.kill(self.pid, signal.SIGSTOP)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while not _is_stopped(self.pid):
            if time.monotonic() > deadline:
                raise RuntimeError(f"Kafka, process {self.pid}, does not freeze in {STOP_TIMEOUT_S:g} s")
            time.sleep(POLL_S)

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def log_text(self) -> str:
        """What the broker wrote."""
        return (self.folder / "broker.log").read_text(errors="replace")

    def _prepare(self, classpath: str) -> Path:
        """Choose ports and make the data folder, each once; the settings."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self._controller_port:
            port, self.login_port, self._controller_port = free_ports(3)
            self.port = self.port or port
        settings = self.folder / "server.properties"
        settings.write_text(
            _SETTINGS.format(
                port=self.port, login_port=self.login_port, controller_port=self._controller_port,
                folder=self.folder.absolute(), user=USER, password=PASSWORD,
            )
        )  # fmt: skip
        if not (self.folder / "data" / "meta.properties").exists():
            # A small first byte: an id that begins with "-" would be taken for an option.
            uuid = bytes([secrets.randbelow(128)]) + secrets.token_bytes(15)
            cluster_id = base64.urlsafe_b64encode(uuid).decode().rstrip("=")
            formatted = subprocess.run(  # noqa: S603 - our own command, no shell
                [*_JAVA, "-cp", classpath, "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(settings)],
                check=False, timeout=START_TIMEOUT_S, capture_output=True, text=True,
            )  # fmt: skip
            if formatted.returncode:
                raise RuntimeError(f"Kafka's data folder cannot be made:\n{formatted.stderr[-2_000:]}")
        return settings

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_TIMEOUT_S)


def fetch_jars() -> Path:
    """The folder with Kafka's jars, fetched by Maven the first time.

    Raises:
        KafkaMissing: no Java; or no Maven, or it cannot fetch them.
    """
    if shutil.which("java") is None:
        raise KafkaMissing("no Java to run Kafka with (Debian: default-jre-headless)")
    JARS.parent.mkdir(parents=True, exist_ok=True)
    with _locked(JARS.parent / "syncd-kafka.lock"):
        if JARS.is_dir():
            return JARS
        if (maven := shutil.which("mvn")) is None:
            raise KafkaMissing("no Maven to fetch Kafka with (Debian: maven)")
        with tempfile.TemporaryDirectory(dir=JARS.parent) as folder:
            (Path(folder) / "pom.xml").write_text(_POM)
            fetched = subprocess.run(  # noqa: S603 - our own command, no shell
                [maven, "-B", "-q", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=jars"],
                cwd=folder, timeout=FETCH_TIMEOUT_S, capture_output=True, text=True, check=False,
            )  # fmt: skip
            if fetched.returncode:
                raise KafkaMissing(f"Maven cannot fetch Kafka {VERSION}: {fetched.stdout.strip()[:500]}")
            (Path(folder) / "jars").rename(JARS)
    return JARS


@contextmanager
def running_kafka(folder: Path | None = None) -> Iterator[KafkaBroker]:
    """A broker of the caller's own, for tests that stop, kill or freeze it.

    Args:
        folder: for its data; a temporary one, deleted at the end, when None.

    Raises:
        KafkaMissing: as `fetch_jars`.
    """
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="syncd-kafka-")))
        broker = KafkaBroker(folder)
        stack.callback(broker.kill)
        broker.start()
        yield broker


@contextmanager
def shared_kafka(folder: Path) -> Iterator[str]:
    """The address of a broker that all who name this folder share, and that ends when the last of them is gone.

    Whoever comes first starts a keeper process, which waits for a lock that every user holds in common: the kernel
    takes it from those who are killed, too.

    Raises:
        KafkaMissing: as `fetch_jars`.
        RuntimeError: it does not start.
    """
    if given := os.environ.get("SYNCD_TEST_KAFKA"):
        yield given
        return
    fetch_jars()
    folder.mkdir(parents=True, exist_ok=True)
    address_file = folder / "address"
    with ExitStack() as stack:
        with _locked(folder / "starting.lock"):
            # Waits here for a keeper that is just stopping its broker.
            stack.enter_context(_locked(folder / "users.lock", shared=True))
            if not address_file.exists():
                _start_keeper(folder, address_file)
            address = address_file.read_text()
        yield address


def _start_keeper(folder: Path, address_file: Path) -> None:
    with (folder / "keeper.log").open("ab") as out:
        keeper = subprocess.Popen(  # noqa: S603 - ourselves, no shell
            [sys.executable, "-m", "syncd.testing.kafka", "--keep", str(folder)],
            stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + 2 * START_TIMEOUT_S
    while not address_file.exists():
        if keeper.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"Kafka's keeper failed:\n{(folder / 'keeper.log').read_text()[-2_000:]}")
        time.sleep(POLL_S)
    keeper.returncode = 0  # it outlives us, on purpose; or subprocess warns of a child left behind


def _keep(folder: Path) -> None:
    """Run a broker until nobody holds `users.lock` any more."""
    address_file = folder / "address"
    with running_kafka(folder / "broker") as broker:
        making = address_file.with_suffix(".making")
        making.write_text(broker.address)
        making.rename(address_file)
        with _locked(folder / "users.lock"):
            address_file.unlink()
            broker.kill()
            shutil.rmtree(folder / "broker", ignore_errors=True)


@contextmanager
def _locked(path: Path, *, shared: bool = False) -> Iterator[None]:
    lock: IO[bytes]
    with path.open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield


def _with_our_life() -> list[str]:
    """What makes a child end with us, where the machine has it."""
    return ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []


def _is_stopped(pid: int) -> bool:
    """Whether the kernel has stopped all threads: one that was at work goes on for a moment on a busy machine."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return all((task / "stat").read_text().rpartition(")")[2].split()[0] == "T" for task in tasks)


def _answers(port: int) -> bool:
    """Whether a broker answers an `ApiVersions` request: it does so when it is ready for clients."""
    request = b"\x00\x12\x00\x00\x00\x00\x00\x07\xff\xff"  # API 18, version 0, correlation 7, no client id
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0) as connection:
        connection.sendall(len(request).to_bytes(4, "big") + request)
        return len(connection.recv(8)) == 8
    return False


def main() -> None:
    """`tools/kafka`."""
    parser = argparse.ArgumentParser(prog="tools/kafka", description=f"Runs one Kafka {VERSION} broker until Ctrl-C.")
    parser.add_argument("--fetch", action="store_true", help="only fetch the jars, and say where they are")
    parser.add_argument("--port", type=int, default=9092, help="of the broker (9092)")
    parser.add_argument("--data", type=Path, help="folder that keeps its data; without it they go when it ends")
    parser.add_argument("--keep", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.keep is not None:
        _keep(arguments.keep)
        return
    try:
        jars = fetch_jars()
    except KafkaMissing as error:
        sys.exit(str(error))
    if arguments.fetch:
        sys.stdout.write(f"{jars}\n")
        return
    with ExitStack() as stack:
        folder = arguments.data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="syncd-kafka-")))
        broker = KafkaBroker(folder, port=arguments.port)
        stack.callback(broker.stop)
        broker.start()
        sys.stdout.write(f"SYNCD_LOG=kafka://{broker.address}/syncd\n")
        sys.stdout.flush()
        ends = {signal.SIGINT, signal.SIGTERM}
        signal.pthread_sigmask(signal.SIG_BLOCK, ends)
        signal.sigwait(ends)


if __name__ == "__main__":
    main()
