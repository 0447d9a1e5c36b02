"""The work: instances and a predictor in, predictions and explanations out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanaria.components.shared.errors import NotReadyError
from kanaria.components.shared.explanation import shapley_values
from kanaria.components.shared.explanation.coded_rows import Codes
from kanaria.components.shared.explanation.shapley_values import Explained
from kanaria.serving.explainer import answer_numbers, explain_request
from kanaria.serving.explainer.answer_numbers import Quantity
from kanaria.serving.explainer.explain_request import ExplainRequest, Limits
from kanaria.serving.explainer.predictor_calls import Deadline, Predictor
from kanaria.serving.explainer.row_codes import CodedRequest, Row, spread


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A model whose answers are explained.

    Attributes:
        predictor: asks it.
        background: rows that stand for absent features.
        where: what the background is called in a message.
    """

    predictor: Predictor
    background: Sequence[Row]
    where: str


def answer(document: Any, target: Target, limits: Limits) -> dict[str, Any]:
    """Return the answer to a request for explanations.

    Args:
        document: the request.
        target: the model.
        limits: what it may cost.

    Raises:
        RequestError: the request is wrong.
        PredictorError: the predictor refuses the rows, or does not answer.
        TimeLimitError: it takes longer than the limit.
        DataError: an answer is not finite, or the values do not add up to it.
        NotReadyError: there is no background.
    """
    deadline = Deadline.within(limits.time_limit)
    request = explain_request.read(document, limits)
    background = spread(target.background, limits.background_rows)
    if not background:
        raise NotReadyError(
            f"{target.where}: no rows to compare with; push the release again, with the "
            "serving_samples of train_model, and a signature that takes features by name"
        )
    form = target.predictor.form
    in_matrix = bool(form.matrix)
    names = list(
        form.inputs if in_matrix else dict.fromkeys(name for row in background for name in row)
    )
    explain_request.chosen_method(request.settings, len(names))
    parts = [
        _Instance(request, target.predictor, deadline).explained(
            background,
            explain_request.features_of(instance, names, number, in_matrix=in_matrix),
            names,
        )
        for number, instance in enumerate(request.instances)
    ]
    return {
        "predictions": [prediction for prediction, _ in parts],
        "explanations": [explanation for _, explanation in parts],
    }


class _Instance:
    """One instance on its way: its own prediction is the first of the one call."""

    def __init__(self, request: ExplainRequest, predictor: Predictor, deadline: Deadline) -> None:
        self._request, self._predictor, self._deadline = request, predictor, deadline
        self._prediction: Any = None
        self._quantity: Quantity | None = None

    def explained(
        self, background: Sequence[Row], instance: Row, names: Sequence[str]
    ) -> tuple[Any, dict[str, Any]]:
        """Return the prediction as the model answers it, and its explanation."""
        coded, settings = CodedRequest(background, instance, names), self._request.settings
        method = explain_request.chosen_method(settings, len(names))
        result = shapley_values.explained(
            coded.background,
            coded.instance,
            lambda codes: self._numbers_of(coded, codes),
            method=method,
            settings=settings,
        )
        return self._prediction, self._document(result, names, method, len(background))

    def _numbers_of(self, coded: CodedRequest, codes: Codes) -> NDArray[np.float64]:
        predictions = self._predictor.predictions(coded.rows(codes), self._deadline)
        request, self._prediction = self._request, predictions[0]
        self._quantity = answer_numbers.quantity(
            predictions[0], request.output, request.column, request.link
        )
        return answer_numbers.numbers(predictions, self._quantity)

    def _document(
        self, result: Explained, names: Sequence[str], method: str, background_rows: int
    ) -> dict[str, Any]:
        values = dict(zip(names, map(float, result.values), strict=True))
        largest = sorted(values, key=lambda name: -abs(values[name]))
        largest_names = largest[: self._request.top_k] if self._request.top_k else names
        others = [name for name in names if name not in set(largest_names)]
        rest = {"others": sum(values[name] for name in others)} if others else {}
        return {
            "explained": self._quantity.text if self._quantity else "",
            "base_value": result.base_value,
            "prediction": result.prediction,
            "shap_values": {name: values[name] for name in largest_names},
            **rest,
            "explainer": method,
            "background_rows": background_rows,
        }
