"""Observations of what models answer: totals that a drift server keeps, beside another source.

A token that the server asks for comes from KANARIA_DRIFT_TOKEN_FILE or KANARIA_DRIFT_TOKEN.
"""

from dataclasses import replace
from http import HTTPStatus

import httpx

from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.serving.drift_token import authorization
from kanaria.serving.protocol.comparison_document import (
    PATH,
    ComparisonQuery,
    ModelCounts,
    read_counts,
)
from kanaria.serving.rollout.observations.bounded_calls import (
    MODELS_SECONDS,
    NO_ANSWER,
    ask,
    within,
)
from kanaria.serving.rollout.observations.observation_source import Reading, Revisions, Source


class DriftServerSource:
    """Another Source, with what one drift server tells of the models.

    What it does not tell raises nothing: then `Reading.models` is None, and the reason is logged.
    """

    def __init__(self, source: Source, url: str) -> None:
        """Ask the drift server at `url`, for instance "http://kanaria-drift"; "" for none.

        Raises:
            ParameterError: the URL is not one of HTTP, or holds a password.
        """
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise ParameterError(f"drift_server: {error}; use http://HOST:PORT") from error
        is_http = parsed.scheme in ("http", "https") and parsed.host and not parsed.userinfo
        if url and not is_http:
            raise ParameterError(
                f"drift_server={shown(parsed)}: use http://HOST:PORT, without a name or password"
            )
        self._source, self._url = source, url.rstrip("/")

    def read(self, revisions: Revisions) -> Reading:
        """Return what the other source shows, and the models where they are asked for."""
        reading = self._source.read(revisions)
        if revisions.models is None:
            return reading
        # A drift server that was started again reads all of a rollout's answers for its first
        # reply. When that takes longer it goes on all the same, and a later reply is quick.
        answers = within(MODELS_SECONDS, {"models": lambda: self._counts(revisions)})
        return replace(reading, models=answers["models"])

    def _counts(self, revisions: Revisions) -> ModelCounts:
        models = revisions.models
        if models is None or not (models.canary and models.stable):
            raise DataError(f"{revisions.service}: its revisions do not say their model's version")
        if not self._url:
            raise DataError("the policy has gates on what models answer: name a drift server")
        query = ComparisonQuery(
            namespace=revisions.namespace,
            service=revisions.service,
            canary=models.canary,
            stable=models.stable,
            since=models.since,
            task=models.task,
            output=models.output,
        )
        where, parameters = f"{self._url}{PATH}", query.parameters()
        answer = ask("GET", where, MODELS_SECONDS, params=parameters, headers=authorization())
        if answer.status == NO_ANSWER:
            raise DataError(f"{where}: no answer: {answer.text}")
        if answer.status != HTTPStatus.OK:
            raise DataError(f"{where}: {answer.status}: {shown(answer.text)}")
        return read_counts(answer.text, where)
