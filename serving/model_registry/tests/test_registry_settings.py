"""Which server is meant, and what is wrong with the mapping that says so."""

from typing import Any

import httpx
import pytest

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import ParameterError
from kanaria.serving.model_registry.mlflow_client import credentials
from kanaria.serving.model_registry.tracking_settings import Tracking, model_name, within

SERVER = "http://mlflow:5000"


def read(mapping: Any, **environment: str) -> Tracking | None:
    faults = Faults("push_model")
    tracking = within(mapping, faults, environment)
    faults.raise_if_any()
    return tracking


def test_nothing_is_tracked_that_nobody_asked_for():
    assert read({}) is None
    assert read({}, MLFLOW_TRACKING_URI=SERVER) is None


def test_a_run_that_kfp_has_made_is_used_unless_another_server_is_named():
    kfp = {"MLFLOW_TRACKING_URI": f"{SERVER}/", "MLFLOW_RUN_ID": "ab12"}
    assert read({}, **kfp) == Tracking(tracking_uri=SERVER, mlflow_run_id="ab12")
    named = read({"experiment_name": "e"}, **kfp)
    assert named == Tracking(tracking_uri=SERVER, experiment_name="e", mlflow_run_id="ab12")
    assert read({"tracking_uri": SERVER}, **kfp).mlflow_run_id == "ab12"
    assert read({"tracking_uri": "https://other/mlflow/"}, **kfp) == Tracking(
        tracking_uri="https://other/mlflow"
    )


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"tracking_uri": "sqlite:///m.db"}, "no address of a server"),
        ({"tracking_uri": "mlruns"}, "no address of a server"),
        ({"tracking_uri": "http://host:port"}, "no address of a server"),
        ({"tracking_uri": "http://[::1"}, "no address of a server"),
        ({"tracking_uri": "http://host/?token=x"}, "without ? and #"),
        ({"tracking_uri": SERVER, "registered_model_name": "a/b"}, "registered_model_name='a/b'"),
        ({"tracking_uri": SERVER, "registered_model_name": ".."}, "registered_model_name='..'"),
        ({"tracking_uri": SERVER, "experiment_name": "e" * 501}, "up to 500 characters"),
        ({"tracking_uri": SERVER, "tracking_required": "yes"}, "true or false"),
        ({"trackingUri": SERVER}, "did you mean tracking.tracking_uri?"),
        ({"experiment_name": "e"}, "tracking_uri is missing"),
        ("http://mlflow:5000", "write a mapping"),
    ],
)
def test_what_is_wrong_is_said(mapping: Any, said: str):
    with pytest.raises(ParameterError) as caught:
        read(mapping)
    assert said in str(caught.value)


def test_a_password_in_the_address_is_refused_and_not_shown():
    with pytest.raises(ParameterError) as caught:
        read({"tracking_uri": "http://kim:geheim@mlflow:5000"})
    assert "MLFLOW_TRACKING_PASSWORD" in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_all_faults_are_named_at_once():
    with pytest.raises(ParameterError) as caught:
        read({"tracking_uri": "x", "registered_model_name": "a:b", "nothing": 1})
    for said in ("tracking_uri", "registered_model_name", "nothing"):
        assert f"tracking.{said}" in str(caught.value)


def test_a_model_is_called_as_its_service_unless_it_is_named():
    assert model_name(Tracking(), "tips") == "tips"
    assert model_name(Tracking(registered_model_name="m"), "tips") == "m"


def test_credentials_go_to_the_server_of_the_environment_alone():
    token = {"MLFLOW_TRACKING_TOKEN": "geheim"}
    bearer = ({"Authorization": "Bearer geheim"}, None)
    assert credentials(SERVER, token) == bearer
    assert credentials(f"{SERVER}/below", token | {"MLFLOW_TRACKING_URI": SERVER}) == bearer
    for other in ("http://other:5000", "https://mlflow:5000", "http://mlflow:5001"):
        assert credentials(other, token | {"MLFLOW_TRACKING_URI": SERVER}) == ({}, None)


def test_an_account_counts_before_a_token_as_in_mlflows_own_client():
    account = {"MLFLOW_TRACKING_USERNAME": "kim", "MLFLOW_TRACKING_PASSWORD": "p"}
    headers, auth = credentials(SERVER, account | {"MLFLOW_TRACKING_TOKEN": "t"})
    assert headers == {}
    assert isinstance(auth, httpx.BasicAuth)


def test_a_token_of_two_lines_is_refused_and_not_shown():
    with pytest.raises(ParameterError, match="MLFLOW_TRACKING_TOKEN: not a token") as caught:
        credentials(SERVER, {"MLFLOW_TRACKING_TOKEN": "one\ntwo"})
    assert "two" not in str(caught.value)
