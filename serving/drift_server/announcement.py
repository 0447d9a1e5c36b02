"""What a drift server says when it begins. Pure."""

from collections.abc import Sequence

from kanaria.serving.drift_watch.watch_file import Watch


def beginning(url: str, store: str, watches: Sequence[Watch], *, asks: bool = False) -> list[str]:
    """Return the lines of a server that begins.

    Args:
        url: where it listens.
        store: location of what it keeps.
        watches: what it watches.
        asks: whether it asks for a token.
    """
    line = f"listening on {url}, which is service.logger.url; events and labels are kept in {store}"
    nothing = "watching nothing: no window is tested without --watch FILE"
    admits = ["whoever asks must present the token"] if asks else []
    return [line, *admits, *([_watching(watch) for watch in watches] or [nothing])]


def _watching(watch: Watch) -> str:
    rows, minutes = watch.window.rows, watch.window.minutes
    ends = [f"{rows} rows"] if rows else []
    ends += [f"{minutes:g} minutes"] if minutes else []
    quality = f", quality by labels ({watch.labels.task.value})" if watch.labels else ""
    return (
        f"watching {watch.namespace}/{watch.service} ({watch.name}) with {watch.detector}, "
        f"windows of {' or '.join(ends)}{quality}"
    )
