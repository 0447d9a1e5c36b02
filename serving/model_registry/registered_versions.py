"""Releases as versions of a registered model, and the aliases that name some of them."""

from collections.abc import Mapping
from typing import Any

from kanaria.components.shared.errors import DataError
from kanaria.serving.model_registry.mlflow_client import AbsentError, MlflowClient
from kanaria.serving.model_registry.mlflow_limits import LONGEST_VERSION_TAG, cut

FINGERPRINT = "kanaria.fingerprint"
"""Tag by which the version of a release is found again."""
MOST_MODELS = 10_000
"""In which one release may be registered."""


def registered(
    client: MlflowClient, name: str, source: str, run_id: str, tags: Mapping[str, str]
) -> str:
    """Return the version of a release, registered where it is not; its tags are as told.

    Args:
        client: of the server.
        name: of the registered model, made where there is none.
        source: URI of what is registered.
        run_id: MLflow's id of the run that made it.
        tags: of the version; that of the fingerprint finds it again.

    Raises:
        KanariaError: as `MlflowClient.post`.
    """
    short = {key: cut(value, LONGEST_VERSION_TAG) for key, value in tags.items() if value}
    client.made_once(
        lambda: _model(client, name),
        lambda: client.make("registered-models/create", {"name": name}, "registered_model"),
    )
    body = {
        "name": name,
        "source": source,
        "run_id": run_id,
        "tags": [{"key": key, "value": value} for key, value in short.items()],
    }
    version = client.made_once(
        lambda: _version(client, name, short[FINGERPRINT]),
        lambda: dict(client.make("model-versions/create", body, "model_version")),
    )
    number = str(version.get("version", ""))
    if not number:
        raise DataError(f"{client.uri}: a version of {name} without a number; is it MLflow's?")
    present = {tag.get("key"): tag.get("value", "") for tag in version.get("tags", [])}
    for key, value in short.items():
        if present.get(key) != value:
            tag = {"name": name, "version": number, "key": key, "value": value}
            client.post("model-versions/set-tag", tag)
    return number


def aliases(client: MlflowClient, name: str) -> dict[str, str]:
    """Return alias -> version of a registered model; empty where there is none.

    A search would leave the aliases out (mlflow 16734).
    """
    model = _model(client, name) or {}
    return {each.get("alias", ""): str(each.get("version")) for each in model.get("aliases", [])}


def set_aliases(client: MlflowClient, name: str, wanted: Mapping[str, str]) -> dict[str, str]:
    """Let each alias name the version that is wanted, "" for none; return what was changed.

    Where one version gives an alias to another, there is no moment at which nobody has it.
    """
    present = aliases(client, name)
    changed = {alias: to for alias, to in wanted.items() if present.get(alias, "") != to}
    for alias, version in changed.items():
        place = {"name": name, "alias": alias}
        if version:
            client.post("registered-models/alias", {**place, "version": version})
        else:
            client.delete("registered-models/alias", place)
    return changed


def _model(client: MlflowClient, name: str) -> dict[str, Any] | None:
    try:
        return dict(client.get("registered-models/get", "registered_model", name=name))
    except AbsentError:
        return None


def _version(client: MlflowClient, name: str, fingerprint: str) -> dict[str, Any] | None:
    """Return the first version of a release; whoever made a second one finds the first, too."""
    # A name may hold quotes, for which filters know no escape: so it is not asked for.
    answer = client.get(
        "model-versions/search",
        filter=f"tags.`{FINGERPRINT}` = '{fingerprint}'",
        order_by="version_number ASC",
        max_results=MOST_MODELS,
    )
    versions = [each for each in answer.get("model_versions", []) if each.get("name") == name]
    return dict(versions[0]) if versions else None
