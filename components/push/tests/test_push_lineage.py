import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.push.lineage import Lineage, marked, marks
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ServiceSpec

SPEC = ServiceSpec(name="tips", storage_uri="s3://b/tips/0a1b/model")
LINEAGE = Lineage(
    model_version="0a1b2c3d4e5f6071",
    run_id="5f1d6a52-0f0c-4d2b-9b0e-8f8d8c6d5a11",
    pipeline="train and deploy, nightly",
    data_span="2013-03-01..2013-03-31",
)


def test_the_manifest_says_where_the_model_comes_from():
    metadata = build(marked(SPEC, LINEAGE))["metadata"]
    assert metadata["annotations"] == {
        "kanaria.io/model-version": "0a1b2c3d4e5f6071",
        "kanaria.io/run-id": "5f1d6a52-0f0c-4d2b-9b0e-8f8d8c6d5a11",
        "kanaria.io/pipeline": "train and deploy, nightly",
        "kanaria.io/data-span": "2013-03-01..2013-03-31",
    }
    # What has blanks is text, and no label can hold it.
    assert metadata["labels"].keys() == metadata["annotations"].keys() - {"kanaria.io/pipeline"}


def test_payload_events_carry_the_models_version():
    assert set(SPEC.log.annotations) == {"kanaria.io/model-version"}
    assert set(SPEC.log.annotations) <= marks(LINEAGE).keys()


def test_what_is_not_known_leaves_no_mark():
    assert "labels" not in build(marked(SPEC, Lineage()))["metadata"]


@given(st.text(max_size=70) | st.from_regex(r"[-A-Za-z0-9_.]{1,70}", fullmatch=True))
def test_every_label_is_one_that_kubernetes_takes(text: str):
    service = marked(SPEC, Lineage(run_id=text))
    for value in service.labels.values():
        assert len(value) <= 63
        assert re.fullmatch(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?", value)
    assert service.annotations.get("kanaria.io/run-id", "") == text


@pytest.mark.parametrize("value", ["a" * 63, "a", "1.2_3-4"])
def test_a_value_that_fits_is_a_label(value: str):
    assert marked(SPEC, Lineage(run_id=value)).labels["kanaria.io/run-id"] == value
