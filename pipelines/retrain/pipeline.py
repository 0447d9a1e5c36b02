"""The pipeline that trains the live model on with new data: for a schedule, or a drift alarm."""

from kfp import dsl

from kanaria.pipelines.run_exit_handler import reported
from kanaria.pipelines.train_and_deploy.steps import LAST, STEPS, build

NAME = "retrain"


@dsl.pipeline(name=NAME)
def retrain(
    data: str,
    module_file: str,
    eval_config_file: str,
    service: dict,
    model_root: str,
    reading: dict = {},  # noqa: B006  KFP takes a literal default and never mutates it.
    span: str = "latest",
    span_version: str = "latest",
    span_window: int = 1,
    schema_file: str = "",
    schema_environment: str = "",
    serving_statistics: str = "",
    materialize: bool = True,
    train_steps: int = 1000,
    eval_steps: int = 100,
    hyperparameters: dict = {},  # noqa: B006
    custom_config: dict = {},  # noqa: B006
    seed: int = 0,
    precision: str = "float32",
    model_run_dir: str = "",
    compute: dict = {},  # noqa: B006
    delivery: dict = {},  # noqa: B006
    drift_detector: dict = {},  # noqa: B006
    rollout_policy_file: str = "",
    notify_url: str = "",
    trigger: dict = {},  # noqa: B006
    tracking: dict = {},  # noqa: B006
) -> None:
    """Train the live model on with the data of a span, evaluate it, and push it as a canary.

    It takes what train_and_deploy takes but warm_start, so that one config file serves both.

    Args:
        data: s3://bucket/data/{YYYY}-{MM}-{DD}/*.csv: files or patterns as train_and_deploy takes
            them, or a database's URI.
        module_file: my_module.py: the user's file with preprocessing_fn and run_fn, which starts
            from fn_args.base_model; or the name of a module in the image.
        eval_config_file: eval_config.pbtxt: text proto of a TFMA EvalConfig.
        service: {"name": "tips"} and more: what serves, as train_and_deploy takes it.
        model_root: s3://bucket/models: folder or URI below which releases are published.
        reading: {"separator": ";"} and more: how the data is read and split.
        span: latest, schedule-time, a number, a day, or a time (its day in UTC).
        span_version: latest of each span, or a number.
        span_window: A number: how many spans up to and with that one.
        schema_file: schema.pbtxt: text proto of a TFDV schema; empty to infer one.
        schema_environment: Name of the schema's environment to validate in; or empty.
        serving_statistics: s3://bucket/statistics: URI of statistics of serving data, for skew; or
            empty.
        materialize: true if run_fn reads transformed examples, false if it transforms raw ones.
        train_steps: A number of training steps, 0 for no limit.
        eval_steps: A number of evaluation steps while training, 0 for no limit.
        hyperparameters: {"learning_rate": 0.1}: handed to run_fn.
        custom_config: {"key": "value"}: handed to preprocessing_fn and run_fn.
        seed: A number: the seed of the training.
        precision: float32, or mixed_float16 or mixed_bfloat16 to train faster on a GPU that has
            units for it.
        model_run_dir: s3://bucket/logs: where logs and checkpoints outlive the step; or empty.
        compute: {"engine": "spark"} and more: where the steps compute over the data.
        delivery: {"on_active": "supersede"} and more: how a release comes to its traffic.
        drift_detector: {"kind": "mmd", "alpha": 0.01}: kind of the release's drift detector and its
            parameters; table and its defaults where they are left out.
        rollout_policy_file: policy.yaml: the policy by which rollout_model gives the canary its
            traffic; empty to leave it at the service's canaryTrafficPercent.
        notify_url: https://example.com/events: where the run's end is posted; empty for
            KANARIA_NOTIFY_URL, else nowhere.
        trigger: {"name": "drift", "report": "https://..."}: what started the run, which a trigger
            server fills in; {} where a person or a schedule did.
        tracking: {"tracking_uri": "http://host:5000"} and more: the MLflow server in which runs are
            logged and releases registered.
    """
    parameters = {**locals(), "warm_start": True}
    with reported(NAME, STEPS, LAST, notify_url, tracking):
        build(NAME, parameters)
