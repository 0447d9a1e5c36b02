"""One row means the same to every part: by hand, in train and evaluate, and served."""

import base64
import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from kanaria.components.shared.artifacts import serving_samples
from kanaria.components.shared.artifacts.serving_samples import ServingSamples
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.step_images import TRAINING_IMAGE
from kanaria.pipelines.local.runtime_python import python_of
from kanaria.serving.checks import check_limits
from kanaria.serving.checks.check_result import Verdict
from kanaria.serving.checks.push_checks import Checks
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ModelServer, ServiceSpec
from kanaria.serving.traffic.local_traffic import LocalTraffic

IN_TRAINING = Path(__file__).with_name("inputs_in_training.py")
READY_SECONDS = 240
SMALLEST = -(2**63)
TYPES = {"Amount": "FP32", "examples": "BYTES", "words": "BYTES", "triple": "FP32"}
TYPES |= {"square": "FP32"}
Row = dict[str, Any]


class Served:
    """The models of `inputs_in_training.py`, each served in V1 and in V2."""

    def __init__(self, traffic: LocalTraffic, folder: Path) -> None:
        self.traffic, self.folder = traffic, folder
        self.answers = json.loads((folder / "answers.json").read_text())
        self.rows: list[Row] = json.loads((folder / "rows.json").read_text())
        for model in self.answers:
            for protocol in ("v1", "v2"):
                traffic.stage(build(self.spec(model, protocol)))

    def spec(self, model: str, protocol: str) -> ServiceSpec:
        return ServiceSpec(
            name=f"{model}-{protocol}",
            storage_uri=str(self.folder / model),
            server=ModelServer(protocol_version=protocol),
        )

    def url(self, model: str, protocol: str) -> str:
        service = self.spec(model, protocol)
        deadline = time.monotonic() + READY_SECONDS
        while True:
            status = self.traffic.observe(service.namespace, service.name)
            if status and status.latest_ready:
                return status.revision_urls[status.latest_ready]
            assert time.monotonic() < deadline, status
            time.sleep(0.05)

    def samples(self, model: str) -> ServingSamples:
        return serving_samples.read(self.folder / f"{model}_samples")

    def ask(self, model: str, body: Row, protocol: str = "v1") -> Any:
        place = "v1/models/{}:predict" if protocol == "v1" else "v2/models/{}/infer"
        path = place.format(f"{model}-{protocol}")
        answer = httpx.post(f"{self.url(model, protocol)}/{path}", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("inputs")
    python = python_of(TRAINING_IMAGE)
    done = subprocess.run([python, "-I", IN_TRAINING, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with LocalTraffic(tmp_path_factory.mktemp("state")) as traffic:
        yield Served(traffic, folder)


def shaped(row: Row) -> Row:
    """Return a row of the data as a request holds it: a square is one."""
    square = row["square"]
    return {name: row[name] for name in row if name != "y"} | {"square": [square[:2], square[2:]]}


def without_nulls(row: Row) -> Row:
    return {name: value for name, value in row.items() if value is not None}


def tensors(row: Row, *, by_absence: bool) -> Row:
    inputs = []
    for name, value in row.items():
        if value is None and by_absence:
            continue
        nested = [value]
        shape = [1]
        while isinstance(nested[0], list) and nested[0]:
            shape.append(len(nested[0]))
            nested = [item for part in nested for item in part]
        if nested == [[]]:
            continue
        inputs.append(
            {"name": name, "shape": shape, "datatype": TYPES.get(name, "INT64"), "data": nested}
        )
    return {"inputs": inputs}


def v2_answer(answer: Any) -> float:
    (output,) = answer["outputs"]
    return float(output["data"][0])


def test_the_training_runtime_agrees_with_a_sum_by_hand(served: Served):
    for answers in served.answers.values():
        for values in answers.values():
            assert values == pytest.approx(answers["hand"])
    assert set(served.answers["exported"]) == {
        "hand",
        "evaluate, serving_default",
        "evaluate, serve_tf_examples",
    }


def test_samples_hold_the_rows_that_json_can_hold_with_the_same_answers(served: Served):
    hand = served.answers["exported"]["hand"]
    values = [row.outputs["outputs"][0] for row in served.samples("exported").rows]
    # The second row misses a float, so its mark of missing is NaN.
    assert values == pytest.approx([hand[0], *hand[2:]])
    values = [row.outputs["p"] for row in served.samples("own").rows]
    assert values == pytest.approx(served.answers["own"]["hand"])


@pytest.mark.parametrize("form", ["null", "absent"])
def test_rows_of_v1_may_lack_values(served: Served, form: str):
    rows = [shaped(row) for row in served.rows]
    if form == "absent":
        rows = [without_nulls(row) for row in rows]
    values = [served.ask("exported", {"instances": [row]})["predictions"][0][0] for row in rows]
    assert values == pytest.approx(served.answers["exported"]["hand"])


def padded(values: Sequence[Any], mark: Any) -> list[list[Any]]:
    longest = max(len(value or []) for value in values)
    return [[*(value or []), *[mark] * (longest - len(value or []))] for value in values]


def columns(rows: Sequence[Row]) -> Row:
    by_name = {name: [row[name] for row in rows] for name in rows[0]}
    words, counts = padded(by_name["words"], ""), padded(by_name["counts"], SMALLEST)
    return by_name | {"words": words, "counts": counts}


def test_columns_of_v1_may_hold_null_and_padded_lists(served: Served):
    body = {"inputs": columns([shaped(row) for row in served.rows])}
    values = [row[0] for row in served.ask("exported", body)["outputs"]]
    assert values == pytest.approx(served.answers["exported"]["hand"])


def test_many_rows_in_one_request_are_the_rows_one_by_one(served: Served):
    together = columns([shaped(row) for row in served.rows])
    rows = [{name: together[name][n] for name in together} for n in range(len(served.rows))]
    values = [row[0] for row in served.ask("exported", {"instances": rows})["predictions"]]
    assert values == pytest.approx(served.answers["exported"]["hand"])


@pytest.mark.parametrize("by_absence", [True, False])
def test_v2_may_lack_an_input_or_hold_null(served: Served, by_absence: bool):
    values = [
        v2_answer(served.ask("exported", tensors(shaped(row), by_absence=by_absence), "v2"))
        for row in served.rows
    ]
    assert values == pytest.approx(served.answers["exported"]["hand"])


@pytest.mark.parametrize("model", ["exported", "own"])
@pytest.mark.parametrize("protocol", ["v1", "v2"])
def test_the_checks_of_a_revision_find_the_trained_answers(
    served: Served, model: str, protocol: str
):
    faults = Faults("test")
    checks = Checks(
        policy=check_limits.parse({"load": False}, faults),
        model=served.folder / model,
        samples=served.samples(model),
        cluster=None,
        ready_seconds=READY_SECONDS,
    )
    faults.raise_if_any()
    results = checks.at_zero(served.spec(model, protocol), served.url(model, protocol))
    judged = {r.check: (r.verdict, r.reasons) for r in results if r.check != "load"}
    assert set(judged.values()) == {(Verdict.PASSED, ())}


def test_serialized_examples_are_answered_as_their_rows(served: Served):
    examples = json.loads((served.folder / "examples.json").read_text())
    body = {
        "signature_name": "serve_tf_examples",
        "instances": [{"b64": example} for example in examples],
    }
    assert base64.b64decode(examples[0])
    values = [row[0] for row in served.ask("exported", body)["predictions"]]
    assert values == pytest.approx(served.answers["exported"]["hand"])


@pytest.mark.parametrize(
    ("model", "changed", "message"),
    [
        ("exported", {"triple": None}, "missing ['triple']"),
        ("exported", {"triple": [1.0, 2.0]}, "'triple'"),
        ("exported", {"amuont": 1.0}, "unknown ['amuont']"),
        ("exported", {"Amount": "1"}, "'Amount'"),
        ("own", {"Sure": None}, "missing ['Sure']"),
    ],
)
def test_what_no_value_may_be_missing_from_is_refused(
    served: Served, model: str, changed: Row, message: str
):
    row = dict(served.samples(model).rows[0].inputs) | changed
    url = f"{served.url(model, 'v1')}/v1/models/{model}-v1:predict"
    answer = httpx.post(url, json={"instances": [row]}, timeout=60)
    assert answer.status_code == 400
    assert message in answer.json()["error"]
