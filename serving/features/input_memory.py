"""What servers told of their models' inputs: asked once, and anew after an answer of no 200."""

from collections.abc import Awaitable, Callable

from kanaria.serving.features.expected_inputs import ExpectedInputs, told_by
from kanaria.serving.features.feature_rows import FeatureError

MOST = 100
"""Places that are remembered; names of models come from clients."""


class InputMemory:
    """The inputs of models by the place where their server tells them."""

    def __init__(self, *, takes_null: bool) -> None:
        """Know none yet; `takes_null` of all servers that are asked."""
        self._takes_null = takes_null
        self._expected: dict[str, ExpectedInputs] = {}

    async def expected(
        self, place: str, protocol: str, ask: Callable[[], Awaitable[tuple[int, bytes]]]
    ) -> ExpectedInputs:
        """Return the inputs of a model.

        Args:
            place: of the model.
            protocol: "v1" or "v2".
            ask: returns code and body of its server's answer to a question for its metadata.

        Raises:
            FeatureError: its server fails.
        """
        if place in self._expected:
            return self._expected[place]
        code, body = await ask()
        if code >= 500:
            raise FeatureError(f"the model's server does not tell its inputs: code {code}")
        tensors = told_by(protocol, body) if code == 200 else {}
        expected = ExpectedInputs(tensors=tensors, takes_null=self._takes_null)
        if len(self._expected) >= MOST:
            self._expected.clear()
        self._expected[place] = expected
        return expected

    def note_code(self, place: str, code: int) -> None:
        """Ask anew after an answer of the model that is no 200: it may be another model now."""
        if code != 200:
            self._expected.pop(place, None)
