"""The pipeline that rolls out what is staged at a service, in a person's name."""

from kfp import dsl

from kanaria.components import promote_model
from kanaria.pipelines.run_exit_handler import reported

NAME = "promote"
STEPS = ("promote-model",)
"""Its tasks, for the report."""


@dsl.pipeline(name=NAME)
def promote(
    service: dict,
    policy_file: str = "",
    approved_by: str = "",
    prometheus_url: str = "",
    drift_server_url: str = "",
    notify_url: str = "",
) -> None:
    """Roll out what is staged at a service now, or approve the rollout that waits for a person.

    Args:
        service: {"name": "tips"}: the InferenceService, as train_and_deploy takes it; its name and
            namespace say where to look.
        policy_file: policy.yaml: policy of the rollout; empty for that of the rollout under way,
            else the default policy.
        approved_by: Your name, to approve what the policy asks a person, up to the promotion;
            empty to leave it open. The gates still judge.
        prometheus_url: http://prometheus:9090: address of the cluster's Prometheus; empty for
            KANARIA_PROMETHEUS_URL.
        drift_server_url: http://drift-server:8080: address of the drift server, for gates on what
            models answer; empty for KANARIA_DRIFT_SERVER.
        notify_url: https://example.com/events: where the run's end is posted; empty for
            KANARIA_NOTIFY_URL, else nowhere.
    """
    with reported(NAME, STEPS, STEPS[-1], notify_url):
        rollout = promote_model(
            service=service,
            policy_file=policy_file,
            approved_by=approved_by,
            prometheus_url=prometheus_url,
            drift_server_url=drift_server_url,
        )
        rollout.set_caching_options(False)
