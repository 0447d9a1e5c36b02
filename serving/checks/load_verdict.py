"""What a load test measured, judged, and when it may end. Pure.

Each limit allows so many of the requests that are asked for to break it: a share of errors, or
1 % to be slower than the limit of the 99th percentile, rounded down. The verdict is certain, and
the test ends, as soon as the requests that are left cannot change it: one more than allowed has
broken a limit, or all that are left might break every limit. So the verdict always is the one that
all requests would have given, however often it was looked at, and a revision that breaks a limit
in a share p of its requests, independently, passes it as often as a binomial count of them stays
within what is allowed (curtailed sampling; Wald, "Sequential Analysis", 1947, chapter 1).

Latency counts from the moment a request was due, not from when it was sent, so that a server
that stalls is charged for every request that should have been sent meanwhile ("coordinated
omission"; G. Tene, "How NOT to Measure Latency", 2013).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from kanaria.serving.checks.check_limits import Load
from kanaria.serving.checks.check_result import Result, judged

NAME = "load"
PERCENTILES = (50, 95, 99)
DIGITS = 9
"""Of a product of a share and a count, which are right in binary arithmetic."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request.

    Attributes:
        seconds: from when it was due to its end, or until the test ended.
        fault: why it failed, or "".
        ended: whether it was answered or failed.
    """

    seconds: float
    fault: str = ""
    ended: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """What at most so many requests may do: take longer, or fail where no time is given."""

    most: int
    milliseconds: float | None = None

    def is_broken_by(self, call: Call) -> bool:
        """Tell whether a request did it."""
        if self.milliseconds is None:
            return bool(call.fault)
        return 1000 * call.seconds > self.milliseconds


def limits_of(load: Load) -> dict[str, Limit]:
    """Return the limits of a test, by what they limit."""
    most_errors = int(round(load.error_share * load.requests, DIGITS))
    slow = {
        f"p{p}_ms": Limit(most=(100 - p) * load.requests // 100, milliseconds=milliseconds)
        for p in PERCENTILES
        if (milliseconds := getattr(load, f"p{p}_ms"))
    }
    return {"errors": Limit(most=most_errors), **slow}


class Score:
    """Counts the requests of a test as they end."""

    def __init__(self, load: Load) -> None:
        """Nothing has been sent."""
        self._limits = limits_of(load)
        self._left = load.requests
        self._broken = dict.fromkeys(self._limits, 0)

    def add(self, call: Call) -> None:
        """Count a request that has ended."""
        self._left -= 1
        for name, limit in self._limits.items():
            self._broken[name] += limit.is_broken_by(call)

    def is_bad(self, call: Call) -> bool:
        """Tell whether a request breaks any limit."""
        return any(limit.is_broken_by(call) for limit in self._limits.values())

    def is_certain(self, now: float = 0.0, waiting: Collection[float] = ()) -> bool:
        """Tell whether the requests that are left cannot change the verdict.

        Args:
            now: the time, in seconds.
            waiting: when those were due that were sent and have not ended, in ascending order.
        """
        broken = {
            name: count + self._late(name, now, waiting) for name, count in self._broken.items()
        }
        most = {name: limit.most for name, limit in self._limits.items()}
        fails = any(broken[name] > most[name] for name in most)
        return fails or all(self._broken[name] + self._left <= most[name] for name in most)

    def _late(self, name: str, now: float, waiting: Iterable[float]) -> int:
        """Return how many break a limit already, whatever comes of them."""
        limit = self._limits[name]
        ages = (Call(seconds=now - due) for due in waiting)
        return sum(1 for _ in takewhile(limit.is_broken_by, ages))


def percentile(ascending: Sequence[float], percent: int) -> float:
    """Return the smallest value that `percent` of 100 values, or more, do not exceed."""
    return ascending[-(-percent * len(ascending) // 100) - 1]


def check(calls: Sequence[Call], sent_seconds: float, load: Load) -> Result:
    """Judge the latency and the errors of a load test.

    Args:
        calls: those of the test, at least one; a failed one counts with the time it took.
        sent_seconds: from the first request to the last.
        load: the user's limits.
    """
    milliseconds = sorted(1000 * call.seconds for call in calls)
    failed = Counter(call.fault for call in calls if call.fault)
    numbers = {
        "requests": len(calls),
        "errors": failed.total(),
        "error_share": failed.total() / len(calls),
        **{f"p{p}_ms": percentile(milliseconds, p) for p in PERCENTILES},
    }
    if unanswered := sum(not call.ended for call in calls):
        numbers["unanswered"] = unanswered
    if len(calls) > 1 and sent_seconds > 0:
        numbers["sent_per_second"] = (len(calls) - 1) / sent_seconds
    return judged(NAME, _reasons(calls, failed, numbers, load), _notes(calls, load), numbers)


def _reasons(
    calls: Sequence[Call], failed: Counter[str], numbers: dict[str, float], load: Load
) -> Iterator[str]:
    for name, limit in limits_of(load).items():
        if sum(map(limit.is_broken_by, calls)) <= limit.most:
            continue
        if limit.milliseconds is not None:
            yield f"{name} is {numbers[name]:.0f}, more than {limit.milliseconds:g}"
            continue
        most, times = failed.most_common(1)[0]
        yield (
            f"{failed.total()} of {len(calls)} requests failed, more than a share of "
            f"{load.error_share:g}; {times} with: {most}"
        )


def _notes(calls: Sequence[Call], load: Load) -> Iterator[str]:
    if len(calls) < load.requests:
        yield f"the verdict was certain after {len(calls)} of {load.requests} requests"
