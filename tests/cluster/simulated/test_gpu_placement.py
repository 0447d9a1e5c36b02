from inference_services import InferenceServices, wait_until

from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import Placement, ServiceSpec

GPU = "nvidia.com/gpu"
TOLERATION = {"key": GPU, "operator": "Exists", "effect": "NoSchedule"}


def apply(services: InferenceServices, gpus: int, tolerations=(TOLERATION,), **fields):
    placement = Placement(limits={GPU: str(gpus)}, tolerations=tolerations, **fields)
    spec = ServiceSpec(name="taxi", storage_uri="s3://models/taxi/1", placement=placement)
    services.apply(build(spec))


def why_unscheduled(services: InferenceServices) -> str:
    """Wait for the scheduler's word on a pod that fits nowhere."""
    wait_until(lambda: bool(refusals(services)))
    return refusals(services)[0]


def refusals(services: InferenceServices) -> list[str]:
    return [
        one["message"]
        for pod in services.pods("taxi")
        for one in pod["status"].get("conditions", [])
        if one.get("reason") == "Unschedulable"
    ]


def test_a_predictor_that_asks_for_a_gpu_lands_on_a_node_that_has_one(services: InferenceServices):
    apply(services, 1)
    services.wait_until_ready("taxi")
    (pod,) = services.pods("taxi")
    assert pod["spec"]["nodeName"] in ("gpu-0", "gpu-1")
    container = pod["spec"]["containers"][0]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert container["image"].endswith("-gpu")


def test_a_predictor_without_gpus_lands_beside_them(services: InferenceServices):
    apply(services, 0, tolerations=())
    services.wait_until_ready("taxi")
    (pod,) = services.pods("taxi")
    assert pod["spec"]["nodeName"] == "cpu-0"


def test_a_node_selector_chooses_the_node(services: InferenceServices):
    apply(services, 1, node_selector={"kubernetes.io/hostname": "gpu-1"})
    services.wait_until_ready("taxi")
    (pod,) = services.pods("taxi")
    assert pod["spec"]["nodeName"] == "gpu-1"


def test_a_predictor_that_does_not_tolerate_the_taint_is_not_scheduled(
    services: InferenceServices,
):
    apply(services, 1, tolerations=())
    assert "untolerated taint" in why_unscheduled(services)


def test_a_predictor_that_asks_for_more_gpus_than_a_node_has_is_not_scheduled(
    services: InferenceServices,
):
    apply(services, 3)
    assert "Insufficient nvidia.com/gpu" in why_unscheduled(services)
