"""Whether a cluster can run a service as it is asked for. Pure: facts in, reasons out.

It is asked before the revision is made: what is wrong here would else show as a revision that
never becomes ready, after the whole time-out and without its cause.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kanaria.serving.checks import check_limits, memory_amount
from kanaria.serving.checks.check_result import Result, judged
from kanaria.serving.doctor import free_gpus
from kanaria.serving.inference_service.service_spec import Placement, ServiceSpec

NAME = "infrastructure"
Object = Mapping[str, Any]
Gpus = Mapping[str, Mapping[str, tuple[int, int]]]
"""Name of a resource -> node -> (free, all) of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What is known of the world.

    Attributes:
        model_bytes: size of the model's files together.
        runtimes: ServingRuntimes of the namespace and ClusterServingRuntimes.
        all_runtimes: whether these are all; if not, others may exist that could not be seen.
        nodes: Node objects, or None if they could not be seen.
        pods: Pod objects of all namespaces, or None if they could not be seen.
        unseen: why something could not be looked at.
    """

    model_bytes: int
    runtimes: tuple[Object, ...] = ()
    all_runtimes: bool = False
    nodes: tuple[Object, ...] | None = None
    pods: tuple[Object, ...] | None = None
    unseen: tuple[str, ...] = ()


def check(
    facts: Facts, service: ServiceSpec, manifest: Object, limits: check_limits.Infrastructure
) -> Result:
    """Judge the facts.

    Args:
        facts: the world.
        service: what is asked for.
        manifest: its InferenceService, with the user's patch.
        limits: the user's.
    """
    predictor = manifest["spec"]["predictor"]
    runtimes = _fitting(facts.runtimes, predictor.get("model"))
    memory = _memory_limit(predictor, runtimes)
    free = _gpus(facts, service.placement)
    reasons = [
        *_runtime_faults(runtimes, facts.all_runtimes, predictor.get("model")),
        *_memory_faults(facts.model_bytes, memory, limits.memory_share),
        *_gpu_faults(free, service.placement),
    ]
    notes = [*facts.unseen, *_notes(memory, free)]
    numbers: dict[str, float] = {"model_bytes": facts.model_bytes}
    numbers |= {} if memory is None else {"memory_limit_bytes": memory}
    numbers |= {"free_gpus": sum(_free(free))} if free else {}
    return judged(NAME, reasons, notes, numbers)


def _fitting(runtimes: tuple[Object, ...], model: Object | None) -> list[Object]:
    """Return the runtimes that can serve the model; a server of the user's own needs none."""
    if model is None:
        return []
    named = model.get("runtime", "")
    if named:
        return [runtime for runtime in runtimes if runtime["metadata"]["name"] == named]
    wanted, protocol = model["modelFormat"]["name"], model.get("protocolVersion", "v1")
    return [runtime for runtime in runtimes if _serves(runtime["spec"], wanted, protocol)]


def _serves(spec: Object, wanted: str, protocol: str) -> bool:
    formats = spec.get("supportedModelFormats", [])
    chosen = any(f["name"] == wanted and f.get("autoSelect") for f in formats)
    # KServe takes a runtime that names no protocol for one that speaks all.
    speaks = protocol in (spec.get("protocolVersions") or [protocol])
    return chosen and speaks and not spec.get("disabled")


def _runtime_faults(runtimes: list[Object], all_seen: bool, model: Object | None) -> Iterator[str]:
    if model is None or not (runtimes or all_seen):
        return
    named = model.get("runtime", "")
    if named and not runtimes:
        yield f"runtime {named!r}: no ServingRuntime or ClusterServingRuntime has this name"
    elif named and all(runtime["spec"].get("disabled") for runtime in runtimes):
        yield f"runtime {named!r} is disabled"
    elif not runtimes:
        wanted = f"{model['modelFormat']['name']} and protocol {model.get('protocolVersion', 'v1')}"
        yield f"no runtime serves {wanted}; install one, or name one by service.runtime"


def _memory_limit(predictor: Object, runtimes: list[Object]) -> int | None:
    """Return the memory limit of the model's container in bytes.

    The service's own limit counts; without one, the runtime's, if all that fit have the same.
    """
    containers = [predictor.get("model", {}), *predictor.get("containers", [])]
    own = [limit for limit in map(_limit, containers) if limit]
    theirs = {_runtime_limit(runtime) for runtime in runtimes}
    memory = own[0] if own else theirs.pop() if len(theirs) == 1 else ""
    return memory_amount.in_bytes(memory)


def _limit(container: Object) -> str:
    return str(container.get("resources", {}).get("limits", {}).get("memory", ""))


def _runtime_limit(runtime: Object) -> str:
    containers = runtime["spec"].get("containers", [])
    named = [c for c in containers if c.get("name") == "kserve-container"] or containers[:1]
    return _limit(named[0]) if named else ""


def _memory_faults(model: int, memory: int | None, share: float) -> Iterator[str]:
    if memory is not None and model > share * memory:
        yield (
            f"the model's files take {memory_amount.shown(model)}, more than {share:.0%} of the "
            f"memory limit of {memory_amount.shown(memory)}; raise service.resources.limits.memory"
        )


def _gpus(facts: Facts, placement: Placement) -> Gpus | None:
    """Return what the nodes that the pods may run on have of each GPU; None if unknown."""
    if not placement.gpus or facts.nodes is None:
        return None
    selector = placement.node_selector.items()
    nodes = [n for n in facts.nodes if selector <= n["metadata"].get("labels", {}).items()]
    return {name: free_gpus.free(nodes, facts.pods or (), name) for name in placement.gpus}


def _free(free: Gpus) -> Iterator[int]:
    return (left for nodes in free.values() for left, _ in nodes.values())


def _gpu_faults(free: Gpus | None, placement: Placement) -> Iterator[str]:
    # GPUs that are held now may be free when the pod is scheduled: ready_timeout decides that.
    selector = dict(placement.node_selector)
    where = f" with the labels {selector}" if selector else ""
    for name, nodes in (free or {}).items():
        count = placement.gpus[name]
        if not any(total >= count for _, total in nodes.values()):
            yield f"no node{where} offers {count} {name}"


def _notes(memory: int | None, free: Gpus | None) -> Iterator[str]:
    if memory is None:
        yield "the model's size was not judged: no memory limit is known"
    if free and any(free.values()) and not any(_free(free)):
        yield "no GPU is free now; the revision will wait for one"
