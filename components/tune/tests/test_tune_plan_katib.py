"""What is rendered for Katib: the search of the user's tuner, and the pods that he asks for."""

import pytest

from kanaria.components.shared.errors import ParameterError

IN_BUCKETS = {
    name: f"s3://bucket/{name}"
    for name in ("examples", "transformed_examples", "schema", "transform_graph")
}


@pytest.fixture
def grid(bowl: str) -> str:
    """The bowl, which names its space before a trial runs, by names that Katib does not take."""
    space = (
        "hp = keras_tuner.HyperParameters()\n"
        '    hp.Float("bowl/a", -4.0, 4.0, step=2.0)\n'
        '    hp.Int("n", 0, 3)\n'
        '    hp.Boolean("really?")\n'
        "    tuner = Bowl(hyperparameters=hp,\n        "
    )
    return bowl.replace("tuner = Bowl(\n        ", space)


def test_an_experiment_is_the_search_of_the_tuner(request_with, planned, grid):
    request = request_with(grid, parallel_trials=50, seed=7)
    experiment = planned(request, uris=IN_BUCKETS, trial={}, algorithm_settings={})
    spec = experiment["spec"]
    assert spec["objective"] == {"type": "minimize", "objectiveMetricName": "loss"}
    seed = [{"name": "random_state", "value": "7"}]
    assert spec["algorithm"] == {"algorithmName": "random", "algorithmSettings": seed}
    counts = ("maxTrialCount", "parallelTrialCount", "maxFailedTrialCount")
    assert [spec[name] for name in counts] == [40, 40, 3]
    parameters = {
        one["name"]: (one["parameterType"], one["feasibleSpace"]) for one in spec["parameters"]
    }
    assert parameters == {
        "bowl_a": ("discrete", {"list": ["-4.0", "-2.0", "0.0", "2.0", "4.0"]}),
        "n": ("int", {"min": "0", "max": "3", "distribution": "uniform"}),
        "really_": ("categorical", {"list": ["True", "False"]}),
    }
    references = [one["reference"] for one in spec["trialTemplate"]["trialParameters"]]
    assert references == list(parameters)
    job = spec["trialTemplate"]["trialSpec"]
    assert job["spec"]["backoffLimit"] == 0
    template = job["spec"]["template"]
    assert template["metadata"]["labels"] == {"sidecar.istio.io/inject": "false"}
    assert template["spec"]["restartPolicy"] == "Never"
    assert (
        spec["trialTemplate"]["primaryContainerName"] == template["spec"]["containers"][0]["name"]
    )


def test_a_grid_without_a_number_of_trials_is_searched_whole(request_with, planned, grid):
    module = grid.replace("(keras_tuner.RandomSearch)", "(keras_tuner.GridSearch)")
    module = module.replace('fn_args.custom_config.get("trials", 40)', "None")
    spec = planned(request_with(module))["spec"]
    assert spec["algorithm"]["algorithmName"] == "grid"
    assert spec["maxTrialCount"] == 5 * 4 * 2


def test_a_trials_pod_is_what_the_user_says(request_with, planned, grid):
    secret = {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "store", "key": "key"}}}
    claim = {"persistentVolumeClaim": {"claimName": "data"}}
    toleration = {"key": "nvidia.com/gpu", "operator": "Exists", "tolerationSeconds": 30.0}
    trial = {
        "image": "registry.example.com/ml/kanaria-training-gpu:1",
        "serviceAccountName": "reader",
        "resources": {"limits": {"nvidia.com/gpu": 1.0, "memory": "8Gi"}},
        "nodeSelector": {"gpu": True},
        "tolerations": [toleration],
        "env": [secret],
        "volumes": [{**claim, "mountPath": "/data", "readOnly": True}],
        "labels": {"team": "flights"},
        "activeDeadlineSeconds": 3600.0,
    }
    experiment = planned(request_with(grid), uris=IN_BUCKETS, trial=trial)
    job = experiment["spec"]["trialTemplate"]["trialSpec"]["spec"]
    pod, container = job["template"]["spec"], job["template"]["spec"]["containers"][0]
    assert job["activeDeadlineSeconds"] == 3600
    assert job["template"]["metadata"]["labels"]["team"] == "flights"
    assert container["image"] == trial["image"]
    assert container["resources"]["limits"] == {"nvidia.com/gpu": "1", "memory": "8Gi"}
    assert container["env"][0] == secret
    assert container["volumeMounts"] == [
        {"name": "volume-0", "mountPath": "/data", "readOnly": True}
    ]
    assert pod["volumes"] == [{**claim, "name": "volume-0"}]
    assert pod["nodeSelector"] == {"gpu": "true"}
    assert repr(pod["tolerations"]) == repr([{**toleration, "tolerationSeconds": 30}])
    assert pod["serviceAccountName"] == "reader"


def test_another_code_or_other_data_is_another_experiment(request_with, planned, grid):
    def name(module: str, **settings) -> str:
        settings = {"uris": IN_BUCKETS, "trial": {}} | settings
        return planned(request_with(module), **settings)["metadata"]["name"]

    first = name(grid)
    assert len(first) <= 40
    assert first == name(grid)
    others = [
        name(grid.replace("0.25", "0.5")),
        name(grid, uris={**IN_BUCKETS, "examples": "s3://bucket/other"}),
        name(grid, algorithm="tpe"),
    ]
    assert first not in others


def test_everything_that_is_wrong_is_told_at_once(request_with, planned, grid):
    trial = {"img": "x", "volumes": [{"emptyDir": {}}], "env": [{"name": "KANARIA_TRIAL"}]}
    with pytest.raises(ParameterError) as raised:
        planned(request_with(grid), trial=trial, max_failed_trials=0)
    message = str(raised.value)
    assert "\n" not in message
    for part in ("plan_katib_search: ", "max_failed_trials=0", "trial.img='x': no such key"):
        assert part in message
    assert "did you mean trial.image?" in message
    assert "say its mountPath" in message and "is Kanaria's own" in message


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"trial": {}}, "trials run elsewhere: keep artifacts in a bucket, or mount this"),
        ({"algorithm": "hyperband"}, "algorithm='hyperband': how long a trial runs"),
        ({"algorithm_settings": {"n": [1]}}, "algorithm_settings.n="),
    ],
)
def test_a_setting_that_cannot_be_is_named(request_with, planned, grid, settings, message):
    with pytest.raises(ParameterError, match=message):
        planned(request_with(grid), **settings)


def test_what_fits_no_variable_is_refused(request_with, planned, grid):
    request = request_with(grid, custom_config={"words": "x" * 100_000})
    with pytest.raises(ParameterError, match="hand over less"):
        planned(request)
