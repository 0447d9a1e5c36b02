"""The process of the trigger server: what `kanaria trigger serve` runs."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import uvicorn

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import KanariaError, NotReadyError, ParameterError
from kanaria.serving.browser_requests import is_loopback
from kanaria.serving.drift_token import SERVER, TRIGGER, Token, configured
from kanaria.serving.http_server.access_rules import Guard, Rules
from kanaria.serving.http_server.announcing_server import AnnouncingServer
from kanaria.serving.http_server.connections import BoundedProtocol
from kanaria.serving.listen_socket import listening, loopback_names, url_of
from kanaria.serving.triggers import labelled_rows, trigger_file
from kanaria.serving.triggers.dispatcher import Dispatcher
from kanaria.serving.triggers.intake import Intake
from kanaria.serving.triggers.leadership import leadership
from kanaria.serving.triggers.starter import Starter
from kanaria.serving.triggers.trigger_file import LabelledRows, Runs, Trigger, TriggerFile
from kanaria.serving.triggers.trigger_metrics import UNAUTHORIZED, TriggerMetrics
from kanaria.serving.triggers.trigger_server import Beside, TriggerServer
from kanaria.serving.triggers.trigger_store import TriggerStore, open_store

logger = logging.getLogger(__name__)
GRACE_SECONDS = 10
"""For requests, and for a start, that are under way when the server is told to stop."""
OPEN_PATHS = frozenset({"/cloudevents"})
"""To which brokers post, which present no token."""
NOT_ADMITTED = ("token", "host", "origin")
StarterOf = Callable[[Runs], Starter]
Job = Callable[[threading.Event], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What a server is told beside its file.

    Attributes:
        config: the file of triggers.
        store: location of what is kept.
        host: address to listen on.
        port: 0 for a free one.
        token_file: of the token that must be presented; "" for that of the environment.
        open_events: whether CloudEvents are taken from anyone who reaches the port.
    """

    config: Path
    store: str
    host: str
    port: int
    token_file: str = ""
    open_events: bool = False


def serve(options: Options, starter_of: StarterOf, environment: dict[str, str]) -> int:
    """Serve until SIGINT or SIGTERM.

    Args:
        options: of the command.
        starter_of: returns what starts runs.
        environment: the process's.

    Raises:
        KanariaError: the file, an option, the store, the port or the token cannot be used.
    """
    document = trigger_file.read(options.config)
    token = configured(options.token_file, environment, TRIGGER)
    _check_admission(options, token)
    starter = starter_of(document.runs)
    _check_starts(document, starter, options.config)
    with ExitStack() as stack:
        listener = stack.enter_context(listening(options.host, options.port))
        leads = leadership(options.store)
        store = open_store(options.store)
        stack.callback(store.close)
        metrics = TriggerMetrics(document.triggers)
        drift_server = document.drift_server or environment.get(SERVER, "")
        count = partial(_count_labels, drift_server)
        dispatcher = Dispatcher(document.triggers, store, starter, metrics, count)
        intake = Intake(document.triggers, store, metrics, dispatcher.wake, drift_server)
        jobs: dict[str, Job] = {"starting runs": partial(dispatcher.run, leads=leads)}
        if source := _kafka(document, intake, store):
            jobs["kafka"] = source
        rules = Rules(
            token=token,
            open_paths=OPEN_PATHS if options.open_events else frozenset(),
            realm="kanaria trigger server",
            loopback_names=loopback_names(listener, options.host),
        )
        beside = Beside(store=store, metrics=metrics, is_alive=lambda: threads.are_alive)
        application = TriggerServer(intake, beside).application()
        config = uvicorn.Config(
            Guard(application, rules, partial(_not_admitted, metrics)),
            http=partial(BoundedProtocol, partial(_not_admitted, metrics)),  # type: ignore[arg-type]
            ws="none",
            access_log=False,
            proxy_headers=False,
            log_config=None,
            log_level="warning",
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        lines = beginning(url_of(listener), options.store, document, asks=token is not None)
        server = AnnouncingServer(config, lines)
        threads = _Threads(server, dispatcher.wake)
        with threads.running(jobs):
            server.run(sockets=[listener])
    return 1


class _Threads:
    """Threads beside the server, without any of which it ends."""

    def __init__(self, server: uvicorn.Server, wake: Callable[[], None]) -> None:
        self._server, self._wake = server, wake
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def are_alive(self) -> bool:
        return all(thread.is_alive() for thread in self._threads)

    @contextmanager
    def running(self, jobs: dict[str, Job]) -> Iterator[None]:
        self._threads = [
            threading.Thread(target=self._run, args=(name, job), daemon=True, name=name)
            for name, job in jobs.items()
        ]
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._ended.set()
            self._wake()
            for thread in self._threads:
                thread.join(GRACE_SECONDS)

    def _run(self, name: str, job: Job) -> None:
        try:
            job(self._ended)
        except KanariaError as error:
            logger.error("%s has ended: %s", name, error)
        finally:
            self._server.should_exit = True


def _check_admission(options: Options, token: Token | None) -> None:
    if token is None and not is_loopback(options.host.lower()):
        raise ParameterError(
            f"host={options.host!r}: whoever reaches the port could start runs; set "
            f"{TRIGGER.file} or {TRIGGER.token}, or listen on 127.0.0.1"
        )


def _check_starts(document: TriggerFile, starter: Starter, path: Path) -> None:
    faults = Faults(str(path))
    for number, trigger in enumerate(document.triggers):
        try:
            starter.check(trigger.start)
        except NotReadyError as error:  # It is asked again when a run is to begin.
            logger.warning("%s is not checked: %s", trigger.name, error)
        except KanariaError as error:
            faults.add(f"triggers.{number}.start: {error}")
    faults.raise_if_any()


def _kafka(document: TriggerFile, intake: Intake, store: TriggerStore) -> Job | None:
    topics = [topic for trigger in document.triggers for topic in trigger.topics]
    if not topics or document.kafka is None:
        return None
    # librdkafka is loaded where it is needed.
    from kanaria.serving.triggers.kafka_source import KafkaSource

    return KafkaSource(document.kafka, topics, intake, store).run


def _count_labels(server: str, wanted: LabelledRows, since: float) -> int:
    return labelled_rows.count(server, wanted, since)


def _not_admitted(metrics: TriggerMetrics, reason: str) -> None:
    metrics.count_refused("", UNAUTHORIZED if reason in NOT_ADMITTED else reason)


def beginning(url: str, store: str, document: TriggerFile, *, asks: bool) -> list[str]:
    """Return the lines of a server that begins."""
    where = (
        f"on {document.runs.host or 'Kubeflow Pipelines'}" if document.runs.where == "kfp" else ""
    )
    where = where or f"on this machine, in {document.runs.root}"
    admits = ["whoever asks must present the token"] if asks else []
    return [
        f"listening on {url}; triggers are kept in {store}",
        *admits,
        *(
            f"{one.name} starts {one.start.pipeline} {where}: {_when(one)}"
            for one in document.triggers
        ),
    ]


def _when(trigger: Trigger) -> str:
    names: Sequence[str] = sorted({name for when in trigger.when for name in when.model_fields_set})
    return f"when {' or '.join(names)}"
