"""Who may get a copy of the requests. Pure."""

from kanaria.components.shared.errors import NotReadyError

REMEDY = (
    "set mirror_percent: 0 and replay the payload log: "
    "python -m kanaria.serving.payload_log.replay --help"
)
"""What a policy of strategy shadow does where nothing copies requests."""
NO_COPIES = (
    "nothing copies requests to a shadow in Knative mode, nor where KServe itself routes canaries "
    "(spec.canary): it rewrites its route without the filter that copies; use KServe 0.20 in "
    f"Standard mode with a gateway that can, or {REMEDY}"
)


def require_shadow(where: str, revision: str, *, share: int, ready: bool) -> None:
    """Raise a NotReadyError unless a revision is ready and answers nobody.

    Args:
        where: the service.
        revision: its newest, "" where there is none yet.
        share: percent of the requests that it answers.
        ready: whether it is.
    """
    if share:
        raise NotReadyError(
            f"{where}: {revision} answers {share} % of the requests; only a revision that answers "
            "none gets copies, shift it to 0 first"
        )
    if not ready:
        raise NotReadyError(f"{where}: {revision or 'the first revision'} is not ready; no copies")
