"""Asks a revision and the stable one beside it the same, and compares."""

from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.checks import compatibility_faults
from kanaria.serving.checks.check_result import Result, judged, skipped
from kanaria.serving.checks.revision_checks import Revision
from kanaria.serving.protocol import row_request

UNTOLD = "{} tells no signature, so inputs and outputs were not compared"
UNANSWERED = "the stable revision answers none of the first rows, so protocols were not compared"
UNKNOWN_COLUMNS = "no samples of the stable revision tell the columns of its matrix"
MOST_ROWS = 3
TIMEOUT_SECONDS = 10.0


async def check(new: Revision, stable: Revision, seconds: float) -> Result:
    """Return whether the clients of the stable revision would be served by the new one.

    Args:
        new: without traffic.
        stable: with it; its samples are those of `new` where its release has none.
        seconds: to wait until the stable revision answers at its own URL.
    """
    try:
        await stable.calls.reach(seconds)
    except NotReadyError as error:
        return skipped(compatibility_faults.NAME, f"the stable revision was not asked: {error}")
    reasons, notes = _of_samples(new, stable)
    of_new, of_stable = await new.served(), await stable.served()
    if of_new and of_stable:
        reasons += compatibility_faults.faults(of_new, of_stable, new.protocol)
    else:
        notes.append(UNTOLD.format("it" if of_stable else "the stable revision"))
    spoken = await _spoken(stable)
    if spoken is None:
        notes.append(UNANSWERED)
    else:
        row, of_stable_row = spoken
        of_new_row = {one: await _fault(new, stable, row, one) for one in of_stable_row}
        reasons += compatibility_faults.unspoken(of_new_row, of_stable_row)
    if spoken is None and not reasons and not (of_new and of_stable):
        return skipped(compatibility_faults.NAME, "; ".join(notes))
    return judged(compatibility_faults.NAME, reasons, notes)


def _of_samples(new: Revision, stable: Revision) -> tuple[list[str], list[str]]:
    """Compare what releases say of matrices, of which servers tell nothing: reasons and notes."""
    if not new.samples.matrix:
        return [], []
    if stable.samples is new.samples:
        return [], [UNKNOWN_COLUMNS]
    return list(compatibility_faults.of_matrices(new.samples, stable.samples)), []


async def _spoken(stable: Revision) -> tuple[int, dict[str, str]] | None:
    """Return the first row that it answers in a protocol, and why not in each: "" if it does."""
    for row in range(min(MOST_ROWS, len(stable.rows()))):
        faults = {
            protocol: await _fault(stable, stable, row, protocol) for protocol in ("v1", "v2")
        }
        if not all(faults.values()):
            return row, faults
    return None


async def _fault(revision: Revision, stable: Revision, row: int, protocol: str) -> str:
    """Return why a revision does not answer a row as clients of the stable one send it, or ""."""
    samples, inputs = stable.samples, stable.rows()[row].inputs
    body = row_request.body(inputs, samples.inputs, protocol, samples.matrix)
    path = row_request.predict_path(revision.name, protocol)
    return (await revision.calls.predict(path, body, TIMEOUT_SECONDS)).fault
