"""A real Kafka broker of this machine, for tests: one process, no ZooKeeper, on free ports.

Maven brings the broker's jars into a cache once (Java 17); `jars.sha256` says what they must be.
"""

import base64
import fcntl
import os
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path

from kanaria.components.shared.process_lifeline import die_with

HERE = Path(__file__).parent
POM, SUMS = HERE / "pom.xml", HERE / "jars.sha256"
CACHES = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
CACHE = CACHES / "kanaria" / "kafka"
PATIENCE = 300
"""Seconds for a JVM to start or to end on a busy machine."""
GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
REMEDY = "Debian and Ubuntu: sudo apt-get install openjdk-17-jre-headless maven"
# A single node holds everything itself; without the factors no consumer group comes up on it.
PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners={listeners},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={listeners}
listener.security.protocol.map={map},CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={folder}/data
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=2
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=2
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""


def program(name: str) -> str:
    """Return where a program is."""
    path = shutil.which(name)
    assert path, f"no {name} here; {REMEDY}"
    return path


def jars() -> Path:
    """Return the folder of the broker's jars, which Maven fills where it is not there."""
    folder = CACHE / sha256(POM.read_bytes() + SUMS.read_bytes()).hexdigest()[:12]
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _bring(folder)
    return folder


def _bring(folder: Path) -> None:
    partial_folder = folder.with_suffix(".partial")
    shutil.rmtree(partial_folder, ignore_errors=True)
    options = ["--batch-mode", "--quiet", "--strict-checksums", "--file", str(POM)]
    where = [f"-DoutputDirectory={partial_folder}", "-DincludeScope=runtime"]
    subprocess.run([program("mvn"), *options, GOAL, *where], check=True)
    lines = [line.split() for line in SUMS.read_text().splitlines()]
    expected = {name: checksum for checksum, name in lines}
    brought = {one.name: sha256(one.read_bytes()).hexdigest() for one in partial_folder.iterdir()}
    assert brought == expected, sorted(set(brought.items()) ^ set(expected.items()))
    partial_folder.rename(folder)


def free_ports(count: int) -> list[int]:
    """Return ports that are free now, each another."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


class Broker:
    """A broker on a folder; its topics and its address outlive its process."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, str] | None = None,
        protocols: Sequence[str] = (),
    ) -> None:
        """Format the folder; nothing is started.

        Args:
            folder: of its own.
            settings: properties of the server beside those of a single node.
            protocols: by which it listens beside PLAINTEXT, as SASL_SSL.
        """
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        names = ("PLAINTEXT", *protocols)
        controller, *ports = free_ports(1 + len(names))
        self.addresses = {
            name: f"127.0.0.1:{port}" for name, port in zip(names, ports, strict=True)
        }
        self.address = self.addresses["PLAINTEXT"]
        listeners = ",".join(f"{name}://{where}" for name, where in self.addresses.items())
        text = PROPERTIES.format(
            listeners=listeners,
            map=",".join(f"{name}:{name}" for name in names),
            controller=controller,
            folder=folder,
        )
        text += "".join(f"{name}={value}\n" for name, value in (settings or {}).items())
        self._properties = folder / "server.properties"
        self._properties.write_text(text)
        self._log = folder / "broker.log"
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        name = "kafka.tools.StorageTool"
        options = ["format", "--cluster-id", cluster, "--config", str(self._properties)]
        subprocess.run(self._java(name, *options), check=True, capture_output=True)

    def _java(self, name: str, *arguments: str) -> list[str]:
        options = ["-Xms128m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        return [program("java"), *options, "-cp", f"{jars()}/*", name, *arguments]

    def start(self) -> None:
        """Start, and wait until clients are served."""
        begin = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            process = self._process = subprocess.Popen(
                self._java("kafka.Kafka", str(self._properties)),
                stdout=log,
                stderr=log,
                cwd=self._folder,
                preexec_fn=partial(die_with, os.getpid()),  # A killed test leaves no broker.
            )
        end = time.monotonic() + PATIENCE
        while b"Kafka Server started" not in (said := self._log.read_bytes()[begin:]):
            assert process.poll() is None, said.decode()[-3000:]
            assert time.monotonic() < end, said.decode()[-3000:]
            time.sleep(0.1)

    def kill(self) -> None:
        """Kill it, as a machine that loses its power."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End it."""
        if self._process and self._process.poll() is None:
            self.kill()


@contextmanager
def broker(
    folder: Path, settings: Mapping[str, str] | None = None, protocols: Sequence[str] = ()
) -> Iterator[Broker]:
    """Run a broker for the block's time."""
    running = Broker(folder, settings, protocols)
    try:
        running.start()
        yield running
    finally:
        running.close()
