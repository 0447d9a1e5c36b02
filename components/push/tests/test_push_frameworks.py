"""What serves a release is chosen by its files alone; no model is loaded."""

from pathlib import Path

import pytest

from kanaria.components.push import model_runtime
from kanaria.components.push.publish_release import Sources
from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.serving.features import feature_settings
from kanaria.serving.inference_service.service_spec import ModelServer, ServiceSpec

CONFIG = "config.pbtxt"


def model(folder: Path, *files: str, text: str = "tree\nversion=v4\n") -> Path:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def chosen(folder: Path, protocol: str = "", runtime: str = "") -> tuple[str, str, str]:
    """Return format, protocol and runtime of the service that is delivered."""
    server = ModelServer(protocol_version=protocol, runtime=runtime)
    spec = model_runtime.served(ServiceSpec(name="tips", storage_uri="/m", server=server), folder)
    return spec.server.model_format, spec.server.protocol_version, spec.server.runtime


@pytest.mark.parametrize(
    ("protocol", "wanted"),
    [("", ("v1", "")), ("v1", ("v1", "")), ("v2", ("v2", "kserve-lgbserver"))],
)
def test_a_text_that_begins_as_lightgbms_is_its_model(tmp_path, protocol, wanted):
    assert chosen(model(tmp_path, "model.bst"), protocol) == ("lightgbm", *wanted)


def test_another_file_of_that_ending_is_xgboosts(tmp_path):
    assert chosen(model(tmp_path, "model.bst", text='{"learner": {}}'))[0] == "xgboost"


def test_torchscript_goes_to_triton_with_the_tensors_it_names(tmp_path):
    folder = model(tmp_path, "1/model.pt", CONFIG)
    assert chosen(folder) == ("pytorch", "v2", "kserve-tritonserver")
    assert chosen(folder, runtime="mine") == ("pytorch", "v2", "mine")
    with pytest.raises(ParameterError, match=r"the model is of pytorch; Triton speaks v2 alone"):
        chosen(folder, "v1")
    with model_runtime.laid_out(Sources.at(str(folder), "schema", "statistics"), "tips") as sources:
        assert (sources.model / "tips/1/model.pt").is_file()
        assert (sources.model / "tips" / CONFIG).is_file()
    (folder / CONFIG).unlink()
    with pytest.raises(DataError, match=r"model\.pt: .*with a config\.pbtxt beside the version's"):
        chosen(folder)


@pytest.mark.parametrize(
    ("file", "text", "takes"),
    [
        ("1/saved_model.pb", "", True),
        ("1/model.onnx", "", True),
        ("model.bst", "tree\nversion=v4\n", False),
        ("model.json", "{}", False),
        ("model.joblib", "", False),
    ],
)
def test_features_by_name_are_for_models_with_named_inputs(tmp_path, file, text, takes):
    settings = {"url": "http://feast:6566", "featureService": "v1", "entities": ["id"]}
    transformer = feature_settings.transformer(settings)
    server = ModelServer(protocol_version="")
    spec = ServiceSpec(name="tips", storage_uri="/m", server=server, transformer=transformer)
    folder = model(tmp_path, file, text=text)
    if takes:
        assert model_runtime.served(spec, folder).transformer == transformer
        return
    with pytest.raises(ParameterError, match=r"service\.features: .* columns by their place"):
        model_runtime.served(spec, folder)


def test_two_models_are_refused(tmp_path):
    with pytest.raises(DataError, match="2 models"):
        chosen(model(tmp_path, "model.bst", "1/model.pt"))
