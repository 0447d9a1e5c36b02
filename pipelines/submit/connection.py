"""How the Kubeflow Pipelines server is reached: address, identity, patience, clear errors.

Secrets come from files and the environment, never from the command line:
KF_PIPELINES_ENDPOINT (address), KFP_EXISTING_TOKEN (bearer token), KFP_COOKIES (session cookies),
KF_PIPELINES_SA_TOKEN_PATH (token mounted in a pod), SSL_CERT_FILE (own certificate authority),
KF_PIPELINES_UI_ENDPOINT (address of the UI, where it is another). The variables of kfp itself for
IAP work too.
"""

import contextlib
import io
import json
import os
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import urllib3
from kfp_server_api import ApiException

from kanaria.components.shared.errors import (
    MAX_VALUE_LENGTH,
    KanariaError,
    NotReadyError,
    ParameterError,
    shown,
)
from kanaria.pipelines.submit import private_kfp

CONNECT_SECONDS, ANSWER_SECONDS = 10, 120
IN_POD = "http://ml-pipeline.kubeflow.svc.cluster.local:8888"
POD_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
TOO_BUSY = (429, 500, 502, 503, 504)
"""Answers after which the same question may be asked again."""
LONGEST_PAUSE = 15.0
T = TypeVar("T")


def is_in_pod() -> bool:
    """Tell whether this process runs in a pod of Kubernetes, whatever is mounted there."""
    return POD_TOKEN.is_file() or "KUBERNETES_SERVICE_HOST" in os.environ


def address(host: str) -> str:
    """Return the server's URL: the given one, that of the environment, or the pod's cluster's.

    Raises:
        ParameterError: none is known, or it is no URL of a server.
    """
    host = host or os.environ.get("KF_PIPELINES_ENDPOINT", "")
    if not host and POD_TOKEN.is_file():
        return IN_POD
    if not host:
        raise ParameterError(
            "host is missing; give the address of Kubeflow Pipelines with --host or "
            "KF_PIPELINES_ENDPOINT (kubectl port-forward -n kubeflow svc/ml-pipeline-ui 8080:80 "
            "makes it http://localhost:8080)"
        )
    url = host if "://" in host else f"https://{host}"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ParameterError(f"host={shown(host)}: give an address as https://kfp.example.com")
    if parts.username or parts.password:
        raise ParameterError("host: leave the password out; see KFP_EXISTING_TOKEN or --token-file")
    return url.rstrip("/")


def _credentials(token_file: str) -> Any:
    """Return what reads the bearer token for every request, or None where there is no file."""
    from kfp import client

    if token_file and not Path(token_file).is_file():
        raise ParameterError(f"token_file={shown(token_file)}: no such file")
    # kfp looks for the pod's token only where it finds the address itself.
    mounted = os.environ.get(client.KF_PIPELINES_SA_TOKEN_ENV, client.KF_PIPELINES_SA_TOKEN_PATH)
    path = token_file or mounted
    return client.ServiceAccountTokenVolumeCredentials(path) if Path(path).is_file() else None


def connect(host: str, token_file: str) -> Any:
    """Return a kfp.Client that has reached the server.

    Args:
        host: the server's URL.
        token_file: file of a bearer token, read anew for every request; "" for none.

    Raises:
        ParameterError: the token file does not exist, or the server refuses the identity.
        NotReadyError: the server does not answer.
    """
    import kfp

    class Client(kfp.Client):
        """Asks for the server's health once; kfp would log and repeat for 25 seconds."""

        def get_kfp_healthz(self, _sleep_duration: int = 0) -> Any:
            _limit(self)
            return private_kfp.health_service(self).healthz_service_get_healthz()

    with answers(host), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        client = Client(
            host=host,
            existing_token=None if token_file else os.environ.get("KFP_EXISTING_TOKEN"),
            cookies=os.environ.get("KFP_COOKIES"),
            credentials=_credentials(token_file),
            ssl_ca_cert=os.environ.get("SSL_CERT_FILE"),
        )
        _limit(client)
        return client


def _limit(client: Any) -> None:
    """Let no request wait for ever; the generated client knows no default for that."""
    rest = private_kfp.health_service(client).api_client.rest_client
    if "request" in vars(rest):
        return
    unlimited = rest.request

    def request(*args: Any, _request_timeout: Any = None, **options: Any) -> Any:
        limit = _request_timeout or (CONNECT_SECONDS, ANSWER_SECONDS)
        return unlimited(*args, _request_timeout=limit, **options)

    rest.request = request


def _said(error: ApiException) -> str:
    """Return what the server said was wrong, on one line."""
    text = error.body.decode("utf-8", "replace") if isinstance(error.body, bytes) else error.body
    try:
        body = json.loads(text or "")
        details = [d.get("message") for d in body.get("details", []) if isinstance(d, dict)]
        messages = [*details, body.get("error_message"), body.get("message"), body.get("error")]
        text = next(str(message) for message in messages if message)
    except (ValueError, AttributeError, StopIteration):
        text = str(error.reason or "")
    return " ".join(text.split())[:MAX_VALUE_LENGTH]


def _refusal(host: str, error: ApiException) -> KanariaError:
    said = f"{host}: {error.status} {_said(error)}"
    if error.status == 401:
        return ParameterError(f"{said}; set KFP_EXISTING_TOKEN, KFP_COOKIES or --token-file")
    if error.status == 403:
        return ParameterError(f"{said}; this identity may not; check --namespace and the token")
    if error.status in TOO_BUSY:
        return NotReadyError(f"{said}; look at the server and try again")
    if not error.status:
        return NotReadyError(f"{host}: {_said(error)}; see SSL_CERT_FILE for an own authority")
    return ParameterError(said)


@contextlib.contextmanager
def answers(host: str) -> Iterator[None]:
    """Turn what goes wrong while speaking with the server into one line; keep kfp's prints out.

    Under IPython kfp shows its links as HTML and prints nothing; those are kept.
    """
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    except ApiException as error:
        raise _refusal(host, error) from error
    except urllib3.exceptions.HTTPError as error:
        reason = str(getattr(error, "reason", None) or error).rpartition(": ")[2]
        raise NotReadyError(
            f"{host}: Kubeflow Pipelines does not answer ({reason}); check --host and the network"
        ) from error


def patiently(ask: Callable[[], T], seconds: float) -> T:
    """Ask a question that changes nothing, again while the server is busy or away.

    Args:
        ask: asks once.
        seconds: how long to go on; then the last error is raised.
    """
    deadline, pause = time.monotonic() + seconds, 0.2
    while True:
        try:
            return ask()
        except NotReadyError:
            if time.monotonic() + pause > deadline:
                raise
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
