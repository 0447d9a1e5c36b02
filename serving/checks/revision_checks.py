"""Checks one live revision: its signature, its answers, its latency."""

from collections.abc import Sequence
from dataclasses import dataclass

from kanaria.components.shared.artifacts.serving_samples import Row, Sample, ServingSamples
from kanaria.serving.checks import load_verdict, output_difference, signature_faults
from kanaria.serving.checks.check_limits import ApiCall, Load
from kanaria.serving.checks.check_result import Result, judged, skipped
from kanaria.serving.checks.revision_calls import RevisionCalls
from kanaria.serving.protocol import model_metadata, row_request

SIGNATURE, API_CALL, LOAD = "signature", "api_call", load_verdict.NAME
READERS = {
    "v1": model_metadata.of_tensorflow_serving,
    "v2": model_metadata.of_inference_protocol,
}
NO_ROWS = "no eval row has a JSON form: half floats, or in every one NaN, infinity or, in v2, bytes"


@dataclass(frozen=True, kw_only=True, slots=True)
class Revision:
    """A ready revision and what its model answered when it was trained.

    Attributes:
        calls: open client of it.
        name: of its model.
        protocol: "v1" or "v2".
        samples: of the trained model.
    """

    calls: RevisionCalls
    name: str
    protocol: str
    samples: ServingSamples

    def rows(self) -> Sequence[Sample]:
        """Return the samples that a request can hold."""
        tensors = (*self.samples.inputs.values(), *self.samples.outputs.values())
        return [
            row
            for row in self.samples.rows
            if row_request.is_sendable(row.inputs, tensors, self.protocol)
        ]

    async def check_signature(self) -> Result:
        """Compare what the live server tells of itself: that is the thing served.

        TensorFlow Serving tells it in V1, KServe's Python server in V2, whichever protocol the
        model speaks. The files could tell it too, but not what a server made of them, and
        reading them takes TensorFlow. A server that tells nothing is judged by its answers.
        """
        against_schema = signature_faults.faults_against_schema(self.samples)
        served = await self.served()
        if served is None:
            note = "the server tells no signature, so only the trained model's was looked at"
            return judged(SIGNATURE, against_schema, [note])
        faults = signature_faults.faults_of_served(served, self.samples)
        return judged(SIGNATURE, [*faults, *against_schema])

    async def served(self) -> model_metadata.Signature | None:
        """Return the signature that the server tells of itself, or None."""
        for protocol, read in READERS.items():
            answer = await self.calls.metadata(model_metadata.metadata_path(self.name, protocol))
            try:
                return read(answer or {})
            except (KeyError, TypeError, ValueError, AttributeError):
                continue
        return None

    async def check_answers(self, limits: ApiCall) -> Result:
        """Send every row by itself and compare its outputs with the trained model's."""
        rows = self.rows()
        if not rows:
            return skipped(API_CALL, NO_ROWS)
        failed, differing, largest = [], [], 0.0
        for number, row in enumerate(rows):
            outputs, fault = await self._outputs(row.inputs, limits.timeout_seconds)
            if outputs is None:
                failed.append(f"row {number}: {fault}")
                continue
            difference = output_difference.difference(outputs, row.outputs, limits)
            largest = max(largest, difference.largest)
            if difference.fault:
                differing.append(f"row {number}: {difference.fault}")
        numbers = {
            "rows": len(rows),
            "rows_failed": len(failed),
            "rows_different": len(differing),
            "largest_difference": largest,
        }
        return judged(API_CALL, [*failed, *differing], self._left_out(rows), numbers)

    def _left_out(self, rows: Sequence[Sample]) -> list[str]:
        count = len(self.samples.rows) - len(rows)
        return [f"{count} rows with bytes were left out: v2 has no JSON form for them"] * bool(
            count
        )

    def _body(self, inputs: Row) -> bytes:
        samples = self.samples
        return row_request.body(inputs, samples.inputs, self.protocol, samples.matrix)

    async def _outputs(self, inputs: Row, timeout: float) -> tuple[Row | None, str]:
        body = self._body(inputs)
        path = row_request.predict_path(self.name, self.protocol)
        answer = await self.calls.predict(path, body, timeout)
        if answer.fault:
            return None, answer.fault
        try:
            return row_request.outputs(answer.body, self.samples.outputs, self.protocol), ""
        except row_request.AnswerError as error:
            return None, str(error)

    async def check_load(self, load: Load, *, idle: bool) -> Result:
        """Send rows at the stated rate and judge latency and errors.

        Args:
            load: rate, number and limits.
            idle: whether time in which nothing is to be answered is waited for.
        """
        bodies = [self._body(row.inputs) for row in self.rows()]
        if not bodies:
            return skipped(LOAD, NO_ROWS)
        path = row_request.predict_path(self.name, self.protocol)
        calls, seconds = await self.calls.load(path, bodies, load, idle=idle)
        return load_verdict.check(calls, seconds, load)
