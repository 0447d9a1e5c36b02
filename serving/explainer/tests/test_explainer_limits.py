"""What an explanation may cost, and what becomes of a predictor that does not answer."""

import json
from typing import Any, ClassVar

import httpx
import pytest
from starlette.testclient import TestClient

from kanaria.serving.explainer import explanations
from kanaria.serving.explainer.explain_request import Limits
from kanaria.serving.explainer.explanations import Target
from kanaria.serving.explainer.http_routes import MOST_BODY_BYTES, application
from kanaria.serving.explainer.predictor_calls import Deadline, Predictor
from kanaria.serving.local.predictor.predictor_runner import free_port

BODY = {"instances": [{"x": 1.0, "way": "a"}]}


def client(**limits: Any) -> TestClient:
    nobody = Predictor(url=f"http://127.0.0.1:{free_port()}", name="fares")
    target = Target(predictor=nobody, background=[{"x": 2.0, "way": "b"}], where="here")
    served = {"fares": target}
    return TestClient(application(lambda name, _: served.get(name), Limits(**limits)))


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, json.loads(answer.content)["error"]


def test_a_request_that_takes_too_long_says_what_helps():
    code, error = refusal(client(time_limit=1e-9).post("/v1/models/fares:explain", json=BODY))
    assert code == 504
    assert error == "not explained in 1e-09 s; send fewer instances or a smaller max_evals"


def test_a_predictor_that_does_not_answer_is_no_fault_of_the_request():
    code, error = refusal(client().post("/v1/models/fares:explain", json=BODY))
    assert code == 502
    assert "does not answer" in error


def test_another_model_and_a_body_that_is_too_large_are_refused():
    assert client().post("/v1/models/other:explain", json=BODY).status_code == 404
    large = b" " * (MOST_BODY_BYTES + 1)
    assert client().post("/v1/models/fares:explain", content=large).status_code == 413
    assert client().post("/v1/models/fares:explain", content=b"{").status_code == 400
    assert client().get("/v1/models/fares").json() == {"name": "fares", "ready": True}


class Counting(Predictor):
    """A model in this process that remembers how many rows it was asked for at a time."""

    row_counts: ClassVar[list[int]] = []

    def predictions(self, rows: Any, deadline: Deadline) -> list[float]:  # noqa: ARG002
        self.row_counts.append(len(rows))
        return [row["x"] * (2.0 if row["way"] == "a" else 1.0) for row in rows]


def test_one_explanation_asks_once_for_all_its_rows():
    target = Target(
        predictor=Counting(url="", name="fares"),
        background=[{"x": float(n), "way": "b"} for n in range(40)],
        where="here",
    )
    answer = explanations.answer(BODY, target, Limits(background_rows=10))
    assert len(Counting.row_counts) == 1
    assert Counting.row_counts[0] <= 1 + 4 * 10
    (shares,) = answer["explanations"]
    assert shares["background_rows"] == 10
    assert shares["base_value"] + sum(shares["shap_values"].values()) == pytest.approx(2.0)
