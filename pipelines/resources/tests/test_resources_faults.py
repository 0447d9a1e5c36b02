"""What may be wrong with settings: each by its place, all at once, and never a secret shown."""

from pathlib import Path
from typing import Any

import kfp_pods
import kfp_toys
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kanaria.components.shared.config import yaml_text
from kanaria.components.shared.errors import ParameterError
from kanaria.pipelines.resources import settings_of_steps
from kanaria.pipelines.resources.apply_settings import applied
from kanaria.pipelines.resources.settings import Settings

FAULTS: dict[str, tuple[Any, str]] = {
    "no amount": (
        {"resources": {"requests": {"memory": "1Gb"}}},
        "cook: resources.requests: memory='1Gb': write a Kubernetes quantity such as 500m or 4Gi",
    ),
    "megabytes written as millibytes": (
        {"resources": {"limits": {"memory": "512m"}}},
        "memory='512m': it is less than a byte; use 4Mi to 1Ei, as 512Mi or 4Gi",
    ),
    "memory without a unit": (
        {"resources": {"limits": {"memory": 2}}},
        "memory='2': it is 2 bytes; use 4Mi to 1Ei",
    ),
    "a unit that Kubernetes does not have": (
        {"resources": {"limits": {"memory": "4000000K"}}},
        "memory='4000000K': write a Kubernetes quantity",
    ),
    "CPU below a thousandth": (
        {"resources": {"requests": {"cpu": "0.0005"}}},
        "cpu='0.0005': use whole thousandths",
    ),
    "a request above its limit": (
        {"resources": {"requests": {"cpu": "1500m"}, "limits": {"cpu": 1}}},
        "resources: requests.cpu: '1500m' is above the limit, '1'",
    ),
    "both requests above their limits": (
        {
            "resources": {
                "requests": {"cpu": 2, "memory": "2Gi"},
                "limits": {"cpu": 1, "memory": "1Gi"},
            }
        },
        "'2' is above the limit, '1'; requests.memory: '2Gi' is above the limit, '1Gi'",
    ),
    "a field that no pod has": (
        {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "name"}}}]},
        "fieldPath='name': use a field of the pod such as metadata.name",
    ),
    "an accelerator in halves": (
        {"resources": {"limits": {"nvidia.com/gpu": 0.5}}},
        "nvidia.com/gpu='0.5': use a whole number from 1",
    ),
    "two accelerators": (
        {"resources": {"limits": {"nvidia.com/gpu": 1, "amd.com/gpu": 1}}},
        "KFP sets one accelerator, not amd.com/gpu and nvidia.com/gpu",
    ),
    "a resource that KFP does not set": (
        {"resources": {"limits": {"ephemeral-storage": "1Gi"}}},
        "ephemeral-storage='1Gi': KFP sets cpu, memory and an accelerator",
    ),
    "a label's value that is no text": (
        {"nodeSelector": {"gpu": True}},
        "cook: nodeSelector.gpu=True: write text; put a number or true in quotes",
    ),
    "a label's key": ({"labels": {"a b": "c"}}, "labels.a b='a b': use letters, digits"),
    "a label of KFP's own": (
        {"labels": {"pipelines.kubeflow.org/v2_component": "x"}},
        "KFP sets these itself; use another prefix",
    ),
    "a toleration's operator": (
        {"tolerations": [{"key": "a", "operator": "Exist"}]},
        "tolerations.0.operator='Exist': it should be 'Equal' or 'Exists'",
    ),
    "a toleration of everything that is not meant so": (
        {"tolerations": [{"effect": "NoSchedule"}]},
        "tolerations.0: name a key, or say operator: Exists for all taints",
    ),
    "a toleration's time": (
        {"tolerations": [{"key": "a", "tolerationSeconds": 3}]},
        "tolerationSeconds counts with effect: NoExecute alone",
    ),
    "pod affinity": (
        {"affinity": {"nodeAffinity": {}, "podAntiAffinity": {}}},
        "affinity.podAntiAffinity: KFP sets no pod affinity, nodeAffinity alone",
    ),
    "an operator without its values": (
        {
            "affinity": {
                "nodeAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": {
                        "nodeSelectorTerms": [
                            {"matchExpressions": [{"key": "a", "operator": "In"}]}
                        ]
                    }
                }
            }
        },
        "nodeSelectorTerms.0.matchExpressions.0: operator In needs values",
    ),
    "a word of Python's": (
        {"node_selector": {"a": "b"}},
        "cook: node_selector: not known, did you mean nodeSelector?",
    ),
    "a misspelt field inside": (
        {"volumes": [{"mountPath": "/a", "emptyDir": {"sizelimit": "1Gi"}}]},
        "volumes.0.emptyDir.sizelimit: not known, did you mean sizeLimit?",
    ),
    "another system's word": ({"timeout": 3}, "cook: timeout: write activeDeadlineSeconds"),
    "what KFP cannot set": ({"priorityClassName": "x"}, "KFP cannot set it for a step"),
    "a path mounted twice": (
        {
            "volumes": [
                {"mountPath": "/a", "emptyDir": {}},
                {"mountPath": "/b/../a/", "emptyDir": {}},
            ]
        },
        "volumes.1.mountPath='/b/../a/': leave '..' out of it",
    ),
    "a path mounted twice, once with a slash": (
        {
            "volumes": [
                {"mountPath": "/a", "emptyDir": {}},
                {"mountPath": "//a/", "secret": {"secretName": "s"}},
            ]
        },
        "volumes: two volumes are mounted at /a",
    ),
    "a claim mounted twice": (
        {
            "volumes": [
                {"mountPath": "/a", "persistentVolumeClaim": {"claimName": "d"}},
                {"mountPath": "/b", "persistentVolumeClaim": {"claimName": "d"}},
            ]
        },
        "KFP names a pod's volume after what it holds, so mount once: d",
    ),
    "a Secret whose name is no volume's": (
        {"volumes": [{"mountPath": "/a", "secret": {"secretName": "a.b"}}]},
        "secretName='a.b': use lower-case letters, digits and '-', up to 63",
    ),
    "a folder of KFP's own": (
        {"volumes": [{"mountPath": "/minio/", "emptyDir": {}}]},
        "mountPath='/minio/': KFP mounts a folder of its own there",
    ),
    "a folder that the image needs": (
        {"volumes": [{"mountPath": "/usr", "emptyDir": {}}]},
        "mountPath='/usr': it would hide what the image has there",
    ),
    "a volume of nothing": (
        {"volumes": [{"mountPath": "/a"}]},
        "name one of persistentVolumeClaim, secret, configMap and emptyDir",
    ),
    "a variable given twice": (
        {"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]},
        "env: a variable is given twice: A",
    ),
    "two Secrets of which nobody knows what they hold": (
        {"envFrom": [{"secretRef": {"name": "a"}}, {"secretRef": {"name": "b"}}]},
        "envFrom: name keys, or another prefix: two would give AWS_ACCESS_KEY_ID, ",
    ),
    "a variable that is a number": (
        {"env": [{"name": "A", "value": 1}]},
        "env.0.value: write text; put a number or true in quotes",
    ),
    "a wait that is none": (
        {"retryPolicy": {"maxRetryCount": 1, "backoffDuration": "soon"}},
        "backoffDuration='soon': write a duration as 30s, 5m or 1h",
    ),
    "retries below 0": (
        {"retryPolicy": {"maxRetryCount": -1}},
        "maxRetryCount=-1: it should be greater than or equal to 0",
    ),
    "a time in quotes": (
        {"activeDeadlineSeconds": "60"},
        "activeDeadlineSeconds='60': write a whole number, without quotes",
    ),
    "no mapping": (["x"], "cook=['x']: write a mapping of its settings"),
}


def refused(said: object, tmp_path: Path) -> str:
    with pytest.raises(ParameterError) as error:
        applied(kfp_toys.meal(tmp_path), settings_of_steps.of(said, "resources.yaml"))
    return str(error.value)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_by_its_place(name: str, tmp_path: Path):
    said, remark = FAULTS[name]
    message = refused({"cook": said}, tmp_path)
    assert message.startswith("resources.yaml: cook")
    assert remark in message
    assert "\n" not in message


def test_all_faults_of_a_file_are_one_message(tmp_path: Path):
    said = {
        "all": {"resources": {"limits": {"nvidia.com/gpu": 1}}, "image": "a b"},
        "kook": {},
        "serve": {"resources": {"requests": {"cpu": "x"}}, "nodeSelector": []},
        "cook": {"imagePullPolicy": "Sometimes"},
    }
    message = refused(said, tmp_path)
    for remark in (
        "kook: no step of this pipeline has this name, did you mean cook?",
        "all: every step would hold an accelerator",
        "all: image='a b': name an image",
        "serve: resources.requests: cpu='x'",
        "serve: nodeSelector: write a mapping",
        "cook: imagePullPolicy='Sometimes'",
    ):
        assert remark in message


def test_two_spellings_of_a_step_are_an_error(tmp_path: Path):
    for pipeline, names in (
        (kfp_toys.courses, ["cook-2", "cook_2"]),
        (kfp_toys.nested, ["cook", "First dish"]),
    ):
        remark = f"{names[0]} and {names[1]} are one step; write its settings once"
        with pytest.raises(ParameterError, match=remark):
            applied(pipeline(tmp_path), settings_of_steps.of({name: {} for name in names}))


def test_a_condition_is_no_step(tmp_path: Path):
    with pytest.raises(ParameterError, match=r"condition-1: no step.*there are cook, serve"):
        applied(kfp_toys.nested(tmp_path), settings_of_steps.of({"condition-1": {}}))


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "AWS_SECRET_ACCESS_KEY", "value": "hunter2"},
        {"name": "PGPASSWORD", "value": "hunter2"},
        {"name": "MY_API_KEY", "value": "hunter2"},
        {"name": "HF_TOKEN", "value": "hunter2", "oops": "hunter2"},
        {"name": "1", "value": "hunter2"},
    ],
)
def test_a_secret_is_refused_and_not_shown(entry: dict[str, str], tmp_path: Path):
    assert "hunter2" not in refused({"cook": {"env": [entry]}}, tmp_path)


@pytest.mark.parametrize(
    "name", ["GOOGLE_APPLICATION_CREDENTIALS", "TOKENIZERS_PARALLELISM", "AWS_REGION", "TOKEN_FILE"]
)
def test_what_only_sounds_like_a_secret_is_taken(name: str, tmp_path: Path):
    said = {"cook": {"env": [{"name": name, "value": "x"}]}}
    document, *_ = applied(kfp_toys.meal(tmp_path), settings_of_steps.of(said))
    container = document["deploymentSpec"]["executors"]["exec-cook"]["container"]
    assert container["env"] == [{"name": name, "value": "x"}]


def test_a_pipeline_that_was_changed_by_hand_is_an_error(tmp_path: Path):
    document, *_ = kfp_toys.meal(tmp_path)
    del document["root"]["dag"]["tasks"]["cook"]["componentRef"]
    with pytest.raises(ParameterError, match="changed by hand"):
        applied([document], settings_of_steps.of({"cook": {}}))


NAMES = ["cpu", "memory", "nvidia.com/gpu", "1Gi", "500m", "30s", "/dev/shm", "a", "A"]


def json_words(schema: dict[str, Any]) -> list[str]:
    """Return every field and every choice of the settings."""
    parts = [schema, *schema["$defs"].values()]
    fields = [part["properties"] for part in parts if "properties" in part]
    return sorted({word for one in fields for word in one} | {"Exists", "Memory", "Always", "In"})


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
WORDS = st.sampled_from([*json_words(Settings.model_json_schema()), *NAMES])
ANYTHING = st.recursive(
    SCALARS | WORDS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(WORDS | st.text(max_size=8), inner, max_size=5)
    ),
    max_leaves=25,
)


@pytest.fixture(scope="module")
def meal(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    return kfp_toys.meal(tmp_path_factory.mktemp("meal"))


@settings(max_examples=200)
@given(said=st.dictionaries(st.sampled_from(["all", "cook", "serve"]) | st.text(), ANYTHING))
@example(said={"all": {"[key]": False}})
def test_whatever_a_file_holds_is_taken_or_told(said: dict[str, Any], meal: list[Any]):
    try:
        documents = applied(meal, settings_of_steps.of(said))
        assert kfp_pods.faults(yaml_text.dump(*documents)) == []
    except ParameterError as error:
        assert "\n" not in str(error)


@st.composite
def almost_right(draw: st.DrawFn) -> Any:
    """Return settings that are right but for one place, where anything stands."""
    right = {
        "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"nvidia.com/gpu": 1}},
        "nodeSelector": {"a": "b"},
        "tolerations": [{"key": "a", "operator": "Exists"}],
        "affinity": {
            "nodeAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "weight": 1,
                        "preference": {"matchFields": [{"key": "a", "operator": "Exists"}]},
                    }
                ]
            }
        },
        "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
        "envFrom": [{"secretRef": {"name": "s"}, "keys": ["X"]}],
        "volumes": [{"mountPath": "/a", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}],
        "retryPolicy": {"maxRetryCount": 1, "backoffDuration": "1s"},
        "cachingOptions": {"enableCache": False},
        "imagePullSecrets": [{"name": "a"}],
        "activeDeadlineSeconds": 5,
    }
    here: Any = right
    while True:
        places = list(here) if isinstance(here, dict) else range(len(here))
        place = draw(st.sampled_from(list(places)))
        inner = here[place]
        if not isinstance(inner, dict | list) or not inner or draw(st.booleans()):
            here[place] = draw(ANYTHING)
            return right
        here = inner


@settings(max_examples=150)
@given(said=almost_right())
def test_one_wrong_place_is_taken_or_told(said: Any, meal: list[Any]):
    try:
        documents = applied(meal, settings_of_steps.of({"cook": said}))
        assert kfp_pods.faults(yaml_text.dump(*documents)) == []
    except ParameterError as error:
        assert str(error).startswith("resources: cook")
