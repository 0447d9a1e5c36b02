"""What a load test measured, judged. Pure.

Latency counts from the moment a request was due, not from when it was sent, so that a server
that stalls is charged for every request that should have been sent meanwhile ("coordinated
omission"; G. Tene, "How NOT to Measure Latency", 2013).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kanaria.serving.checks.policy import Load
from kanaria.serving.checks.result import Result, judged

NAME = "load"
PERCENTILES = (50, 95, 99)


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request: seconds from when it was due to its end; why it failed, or ""."""

    seconds: float
    fault: str = ""


def check(calls: Sequence[Call], sent_seconds: float, limits: Load) -> Result:
    """Judge the latency and the errors of a load test.

    Args:
        calls: every request, at least one; a failed one counts with the time it took.
        sent_seconds: from the first request to the last.
        limits: the user's.
    """
    milliseconds = [1000 * call.seconds for call in calls]
    failed = Counter(call.fault for call in calls if call.fault)
    share = failed.total() / len(calls)
    measured = {f"p{p}_ms": float(np.percentile(milliseconds, p)) for p in PERCENTILES}
    numbers = {"requests": len(calls), "errors": failed.total(), "error_share": share, **measured}
    if len(calls) > 1 and sent_seconds > 0:
        numbers["sent_per_second"] = (len(calls) - 1) / sent_seconds
    reasons = [
        f"{name} is {value:.0f}, more than {limit:g}"
        for name, value in measured.items()
        if (limit := getattr(limits, name)) and value > limit
    ]
    if share > limits.error_share:
        most, times = failed.most_common(1)[0]
        reasons.append(
            f"{failed.total()} of {len(calls)} requests failed, more than a share of "
            f"{limits.error_share:g}; {times} with: {most}"
        )
    return judged(NAME, reasons, (), numbers)
