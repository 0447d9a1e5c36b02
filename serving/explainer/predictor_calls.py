"""Asks a predictor for predictions; the only module of an explainer that does."""

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from kanaria.components.shared.errors import KanariaError, shown
from kanaria.serving.explainer.row_form import RowForm
from kanaria.serving.protocol.annotation_names import EXPLANATION_ID, REQUEST_ID_HEADER
from kanaria.serving.protocol.json_body import written
from kanaria.serving.protocol.row_request import predict_path

OK = 200
BAD_GATEWAY = 502


class PredictorError(KanariaError):
    """The predictor did not answer as it should.

    Attributes:
        code: of HTTP, for whoever asked for the explanation.
    """

    def __init__(self, message: str, code: int) -> None:
        """Name the cause."""
        super().__init__(message)
        self.code = code


class TimeLimitError(KanariaError):
    """Explaining takes longer than it may."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deadline:
    """When a request is given up.

    Attributes:
        seconds: it was given.
        end: of `time.monotonic`.
    """

    seconds: float
    end: float

    @classmethod
    def within(cls, seconds: float) -> "Deadline":
        """Return the deadline that many seconds from now."""
        return cls(seconds=seconds, end=time.monotonic() + seconds)

    def left(self) -> float:
        """Return the seconds that are left.

        Raises:
            TimeLimitError: none are.
        """
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeLimitError(
                f"not explained in {self.seconds:g} s; send fewer instances or a smaller max_evals"
            )
        return left


@dataclass(frozen=True, kw_only=True, slots=True)
class Predictor:
    """A served model.

    Attributes:
        url: before `/v1`.
        name: of the model.
        form: how it takes rows.
        rows_per_call: most rows a request; 0 for any number.
    """

    url: str
    name: str
    form: RowForm = field(default_factory=RowForm)
    rows_per_call: int = 0

    def predictions(self, rows: Sequence[Mapping[str, Any]], deadline: Deadline) -> list[Any]:
        """Return the prediction of each row.

        Raises:
            PredictorError: it refuses the rows, or does not answer.
            TimeLimitError: it does not in time.
        """
        step = self.rows_per_call or len(rows)
        answers: list[Any] = []
        # Proxies of the environment are for the world outside, the model is inside.
        with httpx.Client(trust_env=False) as client:
            for first in range(0, len(rows), step):
                answers += self._answers(client, rows[first : first + step], deadline)
        return answers

    def _answers(
        self, client: httpx.Client, rows: Sequence[Mapping[str, Any]], deadline: Deadline
    ) -> list[Any]:
        request_id = f"{EXPLANATION_ID}{uuid.uuid4()}"
        headers = {"Content-Type": "application/json", REQUEST_ID_HEADER: request_id}
        try:
            answer = client.post(
                self.url + predict_path(self.name, self.form.protocol),
                content=written(self.form.document(rows)),
                headers=headers,
                timeout=deadline.left(),
            )
        except httpx.TimeoutException:
            deadline.left()
            raise PredictorError(f"{self.url}: no answer in time", BAD_GATEWAY) from None
        except httpx.HTTPError as error:
            why = f"{self.url}: does not answer ({shown(str(error))})"
            raise PredictorError(why, BAD_GATEWAY) from error
        if answer.status_code != OK:
            raise PredictorError(f"the predictor: {_cause(answer)}", answer.status_code)
        return self._read(answer, len(rows))

    def _read(self, answer: httpx.Response, rows: int) -> list[Any]:
        try:
            predictions = self.form.predictions(json.loads(answer.content))
        except (ValueError, KeyError, TypeError) as error:
            why = f"the predictor: no answer of {self.form.protocol}: {shown(answer.text)}"
            raise PredictorError(why, BAD_GATEWAY) from error
        if len(predictions) != rows:
            why = f"the predictor: {len(predictions)} predictions of {rows} rows"
            raise PredictorError(why, BAD_GATEWAY)
        return predictions


def _cause(answer: httpx.Response) -> str:
    try:
        return str(json.loads(answer.content)["error"])
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code}: {shown(answer.text)}"
