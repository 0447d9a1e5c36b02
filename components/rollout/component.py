"""The KFP interfaces of rollout_model and promote_model."""

from kfp import dsl

from kanaria.components.shared.step_images import CONTROL_IMAGE


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def rollout_model(
    endpoint: dsl.Input[dsl.Artifact],
    outcome: dsl.Output[dsl.Artifact],
    timeline: dsl.Output[dsl.HTML],
    policy_file: str = "",
    wait: bool = True,
    interval_seconds: int = 60,
    prometheus_url: str = "",
    prometheus_queries: str = "",
    drift_server_url: str = "",
    needs_policy: bool = False,
) -> bool:
    """Roll out a pushed canary: raise, hold or take back its traffic on what is observed.

    A step that is run again goes on with the rollout it began. One that rolled the canary back
    fails with its reasons, and keeps outcome and timeline. Never cache this step.

    Args:
        endpoint: What push_model says of the revision.
        policy_file: URI of the policy in YAML; empty for the default policy.
        wait: Whether to control the rollout until it is over; else the controller of the cluster
            goes on with it.
        interval_seconds: Seconds between two decisions.
        prometheus_url: Address of the cluster's Prometheus; empty for KANARIA_PROMETHEUS_URL.
        prometheus_queries: What counts requests there: knative, traefik, istio, tensorflow_serving
            or FILE.yaml:NAME; empty for KANARIA_PROMETHEUS_QUERIES, else knative.
        drift_server_url: Address of the drift server that keeps the service's payload log, for
            gates on what models answer; empty for KANARIA_DRIFT_SERVER.
        needs_policy: Whether an empty policy_file means no rollout: the canary keeps the share
            that push_model gave it.

    Returns:
        outcome: Whether the canary was promoted, and every reason.
        timeline: The audit record: traffic, errors, evidence and decisions over time.
        Output: Whether the canary was promoted; false too when it was handed over, or left alone.
    """
    from pathlib import Path

    from kanaria.components.rollout.rollout import RolloutRequest, Targets, roll_out
    from kanaria.components.shared.artifacts import refusal

    request = RolloutRequest(
        endpoint=Path(endpoint.path),
        policy_file=policy_file,
        wait=wait,
        interval_seconds=interval_seconds,
        prometheus_url=prometheus_url,
        prometheus_queries=prometheus_queries,
        drift_server_url=drift_server_url,
        needs_policy=needs_policy,
    )
    targets = Targets(outcome=Path(outcome.path), timeline=Path(timeline.path))
    promoted, judgement = roll_out(request, targets)
    judgement.describe(outcome, timeline=timeline)
    refusal.unless_passed(outcome, timeline)
    return promoted


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def promote_model(
    service: dict,
    outcome: dsl.Output[dsl.Artifact],
    timeline: dsl.Output[dsl.HTML],
    policy_file: str = "",
    approved_by: str = "",
    wait: bool = True,
    interval_seconds: int = 60,
    prometheus_url: str = "",
    prometheus_queries: str = "",
    drift_server_url: str = "",
) -> bool:
    """Roll out what is staged at a service now, or go on with its rollout; approve it if asked to.

    It fails where nothing is on trial, and where the canary is rolled back; then it keeps outcome
    and timeline. Never cache this step.

    Args:
        service: What serves, as push_model takes it; its name and namespace say where to look.
        policy_file: URI of the policy in YAML; empty for that of the rollout under way, else the
            default policy.
        approved_by: Your name, to approve what the policy asks a person, from the question in hand
            to the promotion; empty to leave it open. The gates still judge.
        wait: Whether to control the rollout until it is over; else the controller of the cluster
            goes on with it.
        interval_seconds: Seconds between two decisions.
        prometheus_url: Address of the cluster's Prometheus; empty for KANARIA_PROMETHEUS_URL.
        prometheus_queries: What counts requests there: knative, traefik, istio, tensorflow_serving
            or FILE.yaml:NAME; empty for KANARIA_PROMETHEUS_QUERIES, else knative.
        drift_server_url: Address of the drift server that keeps the service's payload log, for
            gates on what models answer; empty for KANARIA_DRIFT_SERVER.

    Returns:
        outcome: Whether the canary was promoted, and every reason.
        timeline: The audit record: traffic, errors, evidence and decisions over time.
        Output: Whether the canary was promoted; false too when it was handed over.
    """
    from pathlib import Path

    from kanaria.components.rollout.promote import PromoteRequest, promote
    from kanaria.components.rollout.rollout import Targets
    from kanaria.components.shared.artifacts import refusal

    request = PromoteRequest(
        service=service,
        policy_file=policy_file,
        approved_by=approved_by,
        interval_seconds=interval_seconds if wait else 0,
        prometheus_url=prometheus_url,
        prometheus_queries=prometheus_queries,
        drift_server_url=drift_server_url,
    )
    targets = Targets(outcome=Path(outcome.path), timeline=Path(timeline.path))
    promoted, judgement = promote(request, targets)
    judgement.describe(outcome, timeline=timeline)
    refusal.unless_passed(outcome, timeline)
    return promoted
