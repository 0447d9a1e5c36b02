"""Services and revisions as the page shows them. Pure."""

from collections.abc import Mapping, Sequence

from kanaria.serving.live_page.band import share_of
from kanaria.serving.live_page.latency_quantiles import quantile
from kanaria.serving.live_page.metric_samples import Samples
from kanaria.serving.live_page.page_state import CoursePoint, RevisionState, ServiceState
from kanaria.serving.live_page.request_counts import LABELS, MOST_REVISIONS, NONE, Counts, Revision
from kanaria.serving.live_page.request_history import Stretch

MINUTE = 60.0
Service = tuple[str, str]


def services(
    samples: Samples, faults: Mapping[Service, str], newest: Stretch, course: Sequence[Stretch]
) -> list[ServiceState]:
    """Return the services by namespace and name.

    Args:
        samples: of the router's newest scrape.
        faults: of all services that there are -> what is wrong with it, or "".
        newest: what came in the newest minutes.
        course: what came in each minute, oldest first.
    """
    revisions = _revisions(samples, newest)
    names = sorted({*faults, *((namespace, service) for namespace, service, _ in revisions)})
    return [
        ServiceState(
            namespace=namespace,
            name=service,
            fault=faults.get((namespace, service), ""),
            revisions=[
                _revision(one, samples, newest, course)
                for one in revisions
                if one[:2] == (namespace, service)
            ],
        )
        for namespace, service in names
    ]


def _revisions(samples: Samples, newest: Stretch) -> list[Revision]:
    """Return the revisions that there are, and those that answered until a moment ago."""
    live = {
        (one.labels["namespace"], one.labels["service"], one.labels["revision"])
        for one in samples.of("kanaria_revision_ready")
        if one.labels.keys() >= set(LABELS)
    }
    return sorted({*live, *newest.counts})[-MOST_REVISIONS:]


def _revision(
    revision: Revision, samples: Samples, newest: Stretch, course: Sequence[Stretch]
) -> RevisionState:
    labels = dict(zip(LABELS, revision, strict=True))
    counts = newest.counts.get(revision, NONE)
    ready = samples.value("kanaria_revision_ready", **labels)
    return RevisionState(
        name=revision[2],
        is_ready=None if ready is None else ready == 1,
        share_set=samples.value("kanaria_revision_traffic_ratio", **labels),
        share_seen=share_of(counts.requests, _of_service(revision, newest)),
        requests=round(counts.requests),
        per_second=counts.requests / newest.seconds if newest.seconds else None,
        refused=round(counts.refused),
        errors=share_of(counts.errors, counts.requests),
        median=quantile(counts.within, 0.5),
        slow=quantile(counts.within, 0.95),
        restarts=round(samples.value("kanaria_predictor_restarts_total", **labels) or 0),
        course=[_point(one.counts.get(revision, NONE), one, course[-1].end) for one in course],
    )


def _of_service(revision: Revision, newest: Stretch) -> float:
    return sum(
        counts.requests for other, counts in newest.counts.items() if other[:2] == revision[:2]
    )


def _point(counts: Counts, stretch: Stretch, now: float) -> CoursePoint:
    return CoursePoint(
        minutes=(stretch.end - now) / MINUTE,
        errors=share_of(counts.errors, counts.requests),
        slow=quantile(counts.within, 0.95),
    )
