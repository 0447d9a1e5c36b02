"""What a run was started with, where only KFP knows it."""

from pathlib import Path

import pytest
from kfp_server import answering, run_document
from report_store import RUN

from kanaria.components.report import kfp_arguments
from kanaria.components.shared.errors import DataError, NotReadyError


def test_what_was_given_goes_before_the_pipelines_defaults(tmp_path: Path):
    token = tmp_path / "token"
    token.write_text("secret\n")
    with answering(run_document(RUN, train_steps=7, data="s3://data/a.csv")) as api:
        environment = {"KF_PIPELINES_ENDPOINT": f"{api.url}/"}
        environment["KF_PIPELINES_SA_TOKEN_PATH"] = str(token)
        arguments = kfp_arguments.of_run(RUN, environment)
    assert arguments == {"seed": 0, "train_steps": 7, "data": "s3://data/a.csv"}
    assert api.calls == [(f"/apis/v2beta1/runs/{RUN}", "Bearer secret")]


def test_a_pipeline_without_settings_of_a_platform_is_read_too():
    document = run_document(RUN, data="a")
    document["pipeline_spec"] = document["pipeline_spec"]["pipeline_spec"]
    with answering(document) as api:
        assert kfp_arguments.of_run(RUN, {"KF_PIPELINES_ENDPOINT": api.url})["seed"] == 0
    del document["pipeline_spec"]  # The run names a version of a pipeline.
    with answering(document) as api:
        assert kfp_arguments.of_run(RUN, {"KF_PIPELINES_ENDPOINT": api.url}) == {"data": "a"}


def test_outside_of_a_cluster_nobody_is_asked():
    assert kfp_arguments.of_run(RUN, {}) == {}


def test_in_a_pod_the_servers_service_is_asked():
    with answering(run_document(RUN)) as api:
        port = api.url.rpartition(":")[2]
        pod = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "ML_PIPELINE_SERVICE_HOST": "127.0.0.1"}
        assert kfp_arguments.of_run(RUN, {**pod, "ML_PIPELINE_SERVICE_PORT": port})["seed"] == 0


@pytest.mark.parametrize("code", [401, 404, 500])
def test_a_refusal_is_told_in_one_line(code: int):
    with (
        answering({"error": "no"}, code) as api,
        pytest.raises(NotReadyError, match=f"{code}") as refusal,
    ):
        kfp_arguments.of_run(RUN, {"KF_PIPELINES_ENDPOINT": api.url})
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("document", [[], {}, {"runtime_config": None}, "text", None])
def test_what_is_no_run_is_told(document: object):
    with answering(document) as api, pytest.raises(DataError, match="no run of KFP"):
        kfp_arguments.of_run(RUN, {"KF_PIPELINES_ENDPOINT": api.url})
