"""The parameters of a submission: checked all at once, then local files published."""

import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import DataError, NotReadyError, ParameterError, shown
from kanaria.components.shared.storage import uri_files
from kanaria.components.shared.user_code import module_archive, module_closure
from kanaria.pipelines import requirements
from kanaria.pipelines.local import arguments, user_modules
from kanaria.pipelines.local.cache import FILE_SUFFIX
from kanaria.pipelines.local.plan import Plan
from kanaria.pipelines.submit.collected_faults import attempt

logger = logging.getLogger(__name__)
MODEL_ROOT = "model_root"
PLACES = ("data", MODEL_ROOT, "serving_statistics")
"""Parameters that steps read or write in their pods."""
OUTPUT = {"score": ("output",)}
"""Those of one pipeline alone."""
FILE_SCHEMES = ("", "file", "s3", "minio", "gs")
UNSEEN = (
    "pods see no path of this machine; copy it to a store (s3://, gs://, minio://), "
    "or give the absolute path of a volume that is mounted in them"
)


def _is_seen(value: str) -> bool:
    """Tell whether pods can find every part of a value; queries of databases have no parts."""
    parts = [part.strip() for part in value.split(",")]
    if urlsplit(parts[0]).scheme not in FILE_SCHEMES:
        return True
    return all("://" in part or part.startswith("/") for part in parts)


def _files(values: Mapping[str, Any], *, local: bool = False) -> list[str]:
    """Return the names of the parameters that name a file here or, unless `local`, in a store."""
    return [
        name
        for name, value in values.items()
        if str(name).endswith(FILE_SUFFIX) and isinstance(value, str)
        if (uri_files.is_remote(value) and not local) or Path(value).is_file()
    ]


def checked(
    interface: Plan, arguments_given: Mapping[str, Any], pipeline_root: str
) -> dict[str, Any]:
    """Return the given values, with `model_root` below the pipeline root unless it is given.

    Args:
        interface: the pipeline's name and parameters.
        arguments_given: parameter -> value.
        pipeline_root: URI of the folder of artifacts; "" for the server's own.

    Raises:
        ParameterError: values are wrong or missing, or out of the pods' sight; all at once.
    """
    faults = Faults("parameters")
    _, values = requirements.split_off(arguments_given, interface.parameters)
    if MODEL_ROOT in interface.parameters and pipeline_root:
        values.setdefault(MODEL_ROOT, uri_files.join(pipeline_root, "models"))
    attempt(faults, arguments.checked, interface, values)
    for name in (*PLACES, *OUTPUT.get(interface.name, ())):
        value = values.get(name)
        if name in interface.parameters and isinstance(value, str) and value:
            faults.check(_is_seen(value), name, value, UNSEEN)
    if pipeline_root:
        faults.check(_is_seen(pipeline_root), "pipeline_root", pipeline_root, UNSEEN)
    elif files := _files(values, local=True):
        faults.add(
            f"pipeline_root is missing: {', '.join(sorted(files))} must be uploaded; "
            "give the URI of the folder of artifacts, for instance s3://bucket/artifacts"
        )
    faults.raise_if_any()
    return values


def published(values: Mapping[str, Any], pipeline_root: str) -> dict[str, Any]:
    """Upload each file to `<pipeline_root>/files/<hash>/<name>`; return values naming those.

    The URI names the content, so a changed file is another value and steps that read it run anew.
    A module becomes an archive of all the user's code that it needs. A file in a store is copied
    too; one that cannot be read from here stays as it is, with a warning.

    Raises:
        UserCodeError: a module is no Python, or lacks code of its own; nothing is uploaded then.
        NotReadyError: the store of the pipeline root does not answer.
    """
    published = uri_files.join(pipeline_root, "files")
    wanted = [name for name in _files(values) if not values[name].startswith(f"{published}/")]
    with tempfile.TemporaryDirectory(prefix="kanaria-") as folder:
        places = {name: Path(folder) / name for name in wanted}
        files = {n: _at_hand(n, values[n], places[n], pipeline_root) for n in wanted}
        sources = {n: _to_publish(n, path, places[n]) for n, path in files.items() if path}
        uris = {
            name: uri_files.join(published, relative) for name, (relative, _) in sources.items()
        }
        for name, uri in uris.items():
            if not uri_files.exists(uri):
                uri_files.publish(sources[name][1], uri)
    return {**values, **uris}


def _at_hand(name: str, value: str, folder: Path, pipeline_root: str) -> Path | None:
    """Return a path with the file's content, None for one in a store that is out of reach."""
    try:
        if pipeline_root:
            return uri_files.fetched(value, folder)
        reason: object = "no pipeline_root is given"
    except (DataError, ParameterError, NotReadyError) as error:
        reason = error
    logger.warning(
        "%s=%s is not published by its content (%s): a changed file needs another name, or steps "
        "are reused that read the old one",
        name,
        shown(value),
        reason,
    )
    return None


def _to_publish(name: str, path: Path, folder: Path) -> tuple[str, Path]:
    """Return the name below the folder of published files, and what is published under it."""
    if not user_modules.is_module(name, str(path)):
        return f"{fingerprint.of_file(path)[: module_archive.DIGITS]}/{path.name}", path
    # What else the module imports is in the image; only the image knows what that is.
    closure = module_closure.of_file(path)
    relative = module_archive.relative_name(closure)
    archive = folder / relative
    module_archive.write(closure, archive)
    return relative, archive


def inside_pods(values: Mapping[str, Any]) -> list[str]:
    """Return a remark for each value that is a path inside the pods."""
    return [
        f"{name}={shown(values[name])} is a path inside the pods: a volume must be mounted there"
        for name in PLACES
        if isinstance(values.get(name), str) and values[name].startswith("/")
    ]
