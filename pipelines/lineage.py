"""Where a model comes from: from a service or a release back to its run, its data and its code.

Everything is read from our own records: what is applied and live, and `release.json`, which
push_model writes. No server of KFP or of metadata is asked.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from kanaria.components.shared.artifacts import release, trigger_cause, verified_release
from kanaria.components.shared.artifacts.release import Record
from kanaria.components.shared.data.data_reference import PIN
from kanaria.components.shared.data.database_reference import is_database
from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.components.shared.storage import uri_files
from kanaria.serving.model_registry.registration import Registration
from kanaria.serving.traffic.traffic_protocol import ServiceStatus

EXPECTED = {"run_id": "run", "data": "data", "module": "module", "training": "training"}
"""Entry of a record's origin -> what it is called where it is lacking."""
MOST_FILES = 10
"""Of the data, that are listed for a person."""
WIDTH = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """One model and where it comes from.

    Attributes:
        uri: of the release, or of what is served where that is no release of ours.
        record: what the release says; None where it is none of ours.
        revision: that serves it, "" where a release was asked for.
        role: "stable" or "canary" of that revision, or "".
        percent: share of the requests that the revision gets, 0 to 100.
        registration: where the release is registered, as the service's audit trail says; None
            where it does not, or a release was asked for.
    """

    uri: str
    record: Record | None
    revision: str = ""
    role: str = ""
    percent: int = 0
    registration: Registration | None = None


def is_uri(target: str) -> bool:
    """Tell whether somebody names a release and not a service, whose name has no slash."""
    return "/" in target or (Path(target) / release.LINEAGE).is_file()


def of_release(uri: str) -> Link:
    """Return where the model of a release comes from, as its verified record says.

    Args:
        uri: of the release, of its model, or of the numbered folder in that.

    Raises:
        DataError: it is no release, its record is damaged, or not the signed one.
        ParameterError: the URI has a scheme that is not read.
        NotReadyError: the store does not answer.
    """
    folder = release_folder(uri)
    return Link(uri=folder, record=verified_release.record(folder))


def release_folder(uri: str) -> str:
    """Return the URI of a release, from that of the release or of something in it.

    Args:
        uri: of the release, of its model, or of the numbered folder in that.

    Raises:
        DataError: it is no release.
        ParameterError: the URI has a scheme that is not read.
        NotReadyError: the store does not answer.
    """
    place = uri_files.absolute(uri).rstrip("/")
    folders = [place, place.rpartition("/")[0], place.rpartition("/")[0].rpartition("/")[0]]
    for folder in filter(None, folders):
        if uri_files.exists(uri_files.join(folder, release.LINEAGE)):
            return folder
    records = uri_files.matches(uri_files.join(place, "*", release.LINEAGE))
    names = [name.split("/")[-2] for name in records]
    hint = (
        f"it holds releases: {', '.join(names[:5])}; name one"
        if names
        else ("name a folder that push_model has published, or a service")
    )
    raise DataError(f"{shown(uri)}: no release, it has no {release.LINEAGE}; {hint}")


def of_service(
    namespace: str,
    name: str,
    status: ServiceStatus | None,
    registered: Mapping[str, Registration],
) -> list[Link]:
    """Return where the stable revision's model comes from, and then the canary's if there is one.

    Args:
        namespace: of the service.
        name: of the service.
        status: of the service, None where there is none.
        registered: URI of a model -> where it is registered.

    Raises:
        ParameterError: there is no such service.
        DataError: a record is damaged.
        NotReadyError: a store does not answer.
    """
    if status is None:
        raise ParameterError(f"{namespace}/{name}: no such service; look at --namespace, --state")
    roles = {status.rolled_out: "stable"}
    if status.latest_created not in roles:
        roles[status.latest_created] = "canary"
    shares = {share.revision: share.percent for share in status.traffic}
    links = [
        _served(status.revision_uris.get(revision, ""), revision, role, shares.get(revision, 0))
        for revision, role in roles.items()
        if revision
    ]
    uris = status.revision_uris
    return [
        replace(link, registration=registered.get(uris.get(link.revision, ""))) for link in links
    ]


def _served(uri: str, revision: str, role: str, percent: int) -> Link:
    folder, _, last = uri.rstrip("/").rpartition("/")
    is_ours = last == release.MODEL and uri_files.exists(uri_files.join(folder, release.LINEAGE))
    return Link(
        uri=folder if is_ours else uri,
        record=verified_release.record(folder) if is_ours else None,
        revision=revision,
        role=role,
        percent=percent,
    )


def as_json(links: list[Link], service: str = "") -> str:
    """Return everything that is known, as JSON; `service` is namespace/name, or ""."""
    return json.dumps({"service": service, "models": [_document(link) for link in links]}, indent=1)


def _document(link: Link) -> dict[str, Any]:
    place = {"revision": link.revision, "role": link.role, "percent": link.percent}
    standing = place if link.revision else {}
    if link.record is None:
        return {**standing, "storage_uri": link.uri}
    origin = dict(link.record.origin)
    files, digest = _files(str(origin.get("data", "")))
    return {
        **standing,
        "release": link.uri,
        "service": link.record.service,
        "fingerprint": link.record.fingerprint,
        "outcome": link.record.outcome,
        **origin,
        **({"data": {"files": files, "sha256": digest}} if files else {}),
        "contents": dict(link.record.contents),
        **({"registered": asdict(link.registration)} if link.registration else {}),
    }


def _files(data: str) -> tuple[list[str], str]:
    """Return the files of a data reference, a database being one, and their fingerprint."""
    if is_database(data):
        return [data], ""
    text, _, digest = data.partition(PIN)
    return [part for part in text.split(",") if part], digest


def lines(links: list[Link], runs: Path, service: str = "") -> Iterator[str]:
    """Yield the chain as lines for a person.

    Args:
        links: of one service, or of one release.
        runs: folder of the runs on this machine, for their pages.
        service: namespace/name, or "".
    """
    if service:
        yield service
    for link in links:
        if link.revision:
            yield f"{link.revision}: {link.role}, {link.percent} % of the requests"
        for label, text in _facts(link, runs):
            yield f"  {label:{WIDTH}} {text}".rstrip()


def _facts(link: Link, runs: Path) -> Iterator[tuple[str, str]]:
    if link.record is None:
        yield "model", f"{link.uri or 'unknown'}, which is no release of push_model"
        return
    origin = link.record.origin
    yield "release", link.uri
    yield "model", link.record.fingerprint
    yield "verdict", link.record.outcome or "not known"
    if here := link.registration:
        yield "registered", f"{here.model} version {here.version} at {here.server}"
    yield from _run(origin, runs)
    yield from _data(origin)
    yield from _training(origin)
    yield "schema", link.record.contents.get(release.SCHEMA, "not known")
    lacking = [name for entry, name in EXPECTED.items() if not origin.get(entry)]
    if lacking:
        yield "not known", f"{', '.join(lacking)}: nobody recorded it when this was published"


def _run(origin: Mapping[str, Any], runs: Path) -> Iterator[tuple[str, str]]:
    run, pipeline = str(origin.get("run_id", "")), origin.get("pipeline")
    if run:
        yield "run", f"{run} of {pipeline}" if pipeline else run
        page = runs / run / "index.html"
        if page.is_file():
            yield "page", str(page)
    if cause := trigger_cause.in_words(origin.get("trigger")):
        yield "trigger", cause


def _data(origin: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if span := origin.get("data_span"):
        yield "span", str(span)
    files, digest = _files(str(origin.get("data", "")))
    if files:
        count = f"{len(files)} file{'' if len(files) == 1 else 's'}"
        yield "data", f"{count}, sha256 {digest}" if digest else files[0]
    listed = files[:MOST_FILES] if digest else []
    yield from (("", file) for file in listed)
    if len(files) > len(listed) > 0:
        yield "", f"and {len(files) - len(listed)} more, which --json lists"
    if module := origin.get("module"):
        yield "module", str(module)


def _training(origin: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    training = origin.get("training")
    training = training if isinstance(training, Mapping) else {}
    said = [
        f"{name} {json.dumps(training[name])}"
        for name in ("train_steps", "seed", "hyperparameters", "precision", "device")
        if training.get(name) not in (None, {}, "")
    ]
    if said:
        yield "training", ", ".join(said)
    if base := training.get("base_model"):
        yield "started", f"from {base}"
    packages = training.get("packages")
    if isinstance(packages, Mapping) and packages:
        yield "packages", ", ".join(f"{name} {version}" for name, version in packages.items())
