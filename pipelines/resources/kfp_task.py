"""A step's settings as kfp writes them down: set on a task of kfp, which kfp compiles."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kanaria.components.shared.config import yaml_text
from kanaria.pipelines.resources.compute_resources import Container
from kanaria.pipelines.resources.settings import Settings
from kanaria.pipelines.resources.volumes import Volume

STEP = "step"


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """What kfp makes of the settings of one step.

    Attributes:
        task: fields of the task: retryPolicy, cachingOptions.
        container: fields of its executor's container: resources, env, image.
        kubernetes: its executor's part of the platform's document.
    """

    task: Mapping[str, Any]
    container: Mapping[str, Any]
    kubernetes: Mapping[str, Any]


def compiled(settings: Settings) -> Form:
    """Return the settings in the form of a compiled pipeline."""
    from kfp import compiler, dsl

    @dsl.container_component
    def step() -> dsl.ContainerSpec:
        return dsl.ContainerSpec(image=STEP)

    @dsl.pipeline(name="settings")
    def settings_alone() -> None:
        task = step()
        for apply in APPLIED:
            apply(task, settings)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "settings.yaml"
        compiler.Compiler().compile(settings_alone, str(path))
        document, *others = yaml_text.read_all(path)
    return _form(document, others, settings)


def _form(document: Any, others: list[Any], settings: Settings) -> Form:
    task = document["root"]["dag"]["tasks"][STEP]
    label = document["components"][task["componentRef"]["name"]]["executorLabel"]
    container = document["deploymentSpec"]["executors"][label]["container"]
    wanted = ["resources", "env", *(["image"] if settings.image else [])]
    of_task = ["retryPolicy", *(["cachingOptions"] if settings.caching_options else [])]
    platforms = others[0]["platforms"]["kubernetes"] if others else {}
    executors = platforms.get("deploymentSpec", {}).get("executors", {})
    return Form(
        task={name: task[name] for name in of_task if name in task},
        container={name: container[name] for name in wanted if name in container},
        kubernetes=executors.get(label, {}),
    )


def _resources(task: Any, settings: Settings) -> None:
    container = settings.resources or Container()
    setters = {
        ("requests", "cpu"): task.set_cpu_request,
        ("limits", "cpu"): task.set_cpu_limit,
        ("requests", "memory"): task.set_memory_request,
        ("limits", "memory"): task.set_memory_limit,
    }
    for (kind, name), setter in setters.items():
        if name in getattr(container, kind):
            setter(getattr(container, kind)[name])
    for name, count in {**container.requests, **container.limits}.items():
        if "/" in name:
            task.set_accelerator_type(name).set_accelerator_limit(count)


def _task(task: Any, settings: Settings) -> None:
    if settings.image:
        task.set_container_image(settings.image)
    if settings.caching_options:
        task.set_caching_options(settings.caching_options.enable_cache)
    if settings.retry_policy:
        policy = settings.retry_policy
        task.set_retry(
            num_retries=policy.max_retry_count,
            backoff_duration=policy.backoff_duration,
            backoff_factor=policy.backoff_factor,
            backoff_max_duration=policy.backoff_max_duration,
        )


def _environment(task: Any, settings: Settings) -> None:
    from kfp import kubernetes

    for variable in settings.env:
        if variable.value is not None:
            task.set_env_variable(variable.name, variable.value)
            continue
        source = variable.value_from
        if source and source.secret_key_ref:
            of = source.secret_key_ref
            kubernetes.use_secret_as_env(task, of.name, {of.key: variable.name}, of.optional)
        elif source and source.config_map_key_ref:
            of = source.config_map_key_ref
            kubernetes.use_config_map_as_env(task, of.name, {of.key: variable.name}, of.optional)
        elif source and source.field_ref:
            path = source.field_ref.field_path
            kubernetes.use_field_path_as_env(task, variable.name, path)


def _environment_sources(task: Any, settings: Settings) -> None:
    from kfp import kubernetes

    for source, variables in settings.variables_by_source:
        use = (
            kubernetes.use_secret_as_env if source.secret_ref else kubernetes.use_config_map_as_env
        )
        # Nobody knows which of the known variables are there.
        optional = source.keys is None or source.reference.optional
        use(task, source.reference.name, variables, optional)


def _scheduling(task: Any, settings: Settings) -> None:
    from kfp import kubernetes

    for key, value in settings.node_selector.items():
        kubernetes.add_node_selector(task, key, value)
    for toleration in settings.tolerations:
        kubernetes.add_toleration(
            task,
            key=toleration.key or None,
            operator=toleration.operator,
            value=toleration.value,
            effect=toleration.effect,
            toleration_seconds=toleration.toleration_seconds,
        )
    if settings.affinity:
        wanted = settings.affinity.node_affinity
        kubernetes.add_node_affinity_json(
            task, wanted.model_dump(by_alias=True, exclude_unset=True)
        )
    if settings.active_deadline_seconds:
        kubernetes.set_timeout(task, settings.active_deadline_seconds)


def _pod(task: Any, settings: Settings) -> None:
    from kfp import kubernetes

    for key, value in settings.labels.items():
        kubernetes.add_pod_label(task, key, value)
    for key, value in settings.annotations.items():
        kubernetes.add_pod_annotation(task, key, value)
    if settings.image_pull_policy:
        kubernetes.set_image_pull_policy(task, settings.image_pull_policy)
    if settings.image_pull_secrets:
        names = [secret.name for secret in settings.image_pull_secrets]
        kubernetes.set_image_pull_secrets(task, names)


def _volumes(task: Any, settings: Settings) -> None:
    for volume in settings.volumes:
        _mount(task, volume)


def _mount(task: Any, volume: Volume) -> None:
    from kfp import kubernetes

    path = volume.mount_path
    if volume.persistent_volume_claim:
        kubernetes.mount_pvc(task, volume.name, path, volume.sub_path or "")
    elif volume.secret:
        kubernetes.use_secret_as_volume(task, volume.name, path, volume.secret.optional)
    elif volume.config_map:
        kubernetes.use_config_map_as_volume(task, volume.name, path, volume.config_map.optional)
    elif volume.empty_dir:
        kubernetes.empty_dir_mount(
            task,
            volume_name=volume.name,
            mount_path=path,
            medium=volume.empty_dir.medium or None,
            size_limit=volume.empty_dir.size_limit,
        )


APPLIED: tuple[Callable[[Any, Settings], None], ...] = (
    _resources,
    _task,
    _environment,
    _environment_sources,
    _scheduling,
    _pod,
    _volumes,
)
