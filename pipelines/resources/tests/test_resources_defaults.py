"""What the compiled pipelines of the package say of their steps."""

from typing import Any

import pytest

from kanaria.components.shared.step_images import CONTROL_IMAGE
from kanaria.pipelines.compiled_pipelines import NAMES, documents
from kanaria.pipelines.resources.pod_tasks import leaves


def steps(name: str) -> dict[str, tuple[str, dict[str, Any], dict[str, Any]]]:
    document = documents(name)[0]
    executors = document["deploymentSpec"]["executors"]
    return {
        leaf.key: (leaf.image, executors[leaf.label]["container"]["resources"], leaf.task)
        for leaf in leaves(document)
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_step_requests_what_it_was_seen_to_need(name: str):
    needs = steps(name)
    assert needs
    for _, amounts, _ in needs.values():
        assert amounts["resourceCpuRequest"]
        assert amounts["resourceMemoryRequest"] in ("512Mi", "1Gi")


@pytest.mark.parametrize("name", NAMES)
def test_memory_is_limited_where_it_depends_on_no_data(name: str):
    for image, amounts, _ in steps(name).values():
        assert ("resourceMemoryLimit" in amounts) == (image == CONTROL_IMAGE)


@pytest.mark.parametrize("name", NAMES)
def test_only_steps_that_read_the_world_or_go_on_are_tried_again(name: str):
    retried = {key for key, (_, _, task) in steps(name).items() if "retryPolicy" in task}
    assert retried == {key for key in steps(name) if key.startswith(("resolve-", "predict-"))}
    assert retried or name == "promote"
