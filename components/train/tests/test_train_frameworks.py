"""Models that are no SavedModels: laid out as their server takes them, and doubted as it asks."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx_bytes import logistic

from kanaria.components.shared.artifacts import serving_samples
from kanaria.components.shared.errors import DataError, UserCodeError
from kanaria.components.shared.frameworks import feature_signature
from kanaria.components.shared.frameworks.load_model import load
from kanaria.components.shared.frameworks.model_files import locate
from kanaria.components.train.arrays import read_arrays
from kanaria.components.train.request import Trained
from kanaria.components.train.train import train

FEATURES = ("distance", "hour")
HEAD = """
import numpy as np
from kanaria.components.train.arrays import read_arrays, save_model

FEATURES = ("distance", "hour")


def run_fn(fn_args):
    rows, labels = read_arrays(fn_args.train_files, FEATURES, "late")
"""
SKLEARN = (
    HEAD
    + """
    from sklearn.ensemble import HistGradientBoostingClassifier
    model = HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(rows, labels)
    save_model(model, fn_args.serving_model_dir, FEATURES)
"""
)
XGBOOST = (
    HEAD
    + """
    import xgboost
    model = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(rows, labels), 5)
    save_model(model, fn_args.serving_model_dir, FEATURES)
"""
)
NAMED_XGBOOST = (
    HEAD
    + """
    import pandas
    import xgboost
    from pathlib import Path
    frame = pandas.DataFrame(rows, columns=FEATURES)
    model = xgboost.XGBClassifier(n_estimators=5).fit(frame, labels)
    Path(fn_args.serving_model_dir).mkdir()
    model.save_model(f"{fn_args.serving_model_dir}/mine.ubj")
"""
)
ONNX = (
    HEAD
    + """
    from pathlib import Path
    from kanaria.components.shared.frameworks.feature_signature import FeatureSignature, write
    folder = Path(fn_args.serving_model_dir)
    folder.mkdir()
    folder.joinpath("model.onnx").write_bytes(bytes.fromhex(fn_args.custom_config["model"]))
    write(folder, FeatureSignature(features=FEATURES))
"""
)


def files_of(model: Path) -> list[str]:
    return sorted(str(path.relative_to(model)) for path in model.rglob("*") if path.is_file())


@pytest.fixture
def trained(request_with, tmp_path: Path):
    def run(module: str, **changes: object) -> tuple[Trained, Path]:
        model = tmp_path / "model"
        return train(request_with(module, **changes), model, tmp_path / "logs"), model

    return run


def answers_of_rows(model: Path, rows: np.ndarray) -> np.ndarray:
    loaded = load(locate(model))
    feed = {name: rows[:, place] for place, name in enumerate(FEATURES)}
    (answers,) = loaded.answers(feed).values()
    return answers


def test_a_scikit_learn_model_lies_as_its_server_takes_it(trained, raw: Path, tmp_path: Path):
    import joblib

    result, model = trained(SKLEARN)
    assert files_of(model) == ["model.joblib", "signature.yaml"]
    facts = result.metadata(request=_request(raw), examples={})["model"]
    assert facts["framework"] == "sklearn"
    assert {"scikit-learn", "joblib"} <= facts["packages"].keys()
    rows, _ = read_arrays(str(raw / "examples/split=eval/part-*.parquet"), FEATURES, "late")
    assert np.isnan(rows).any()
    bare = joblib.load(model / "model.joblib").predict_proba(rows)
    assert np.array_equal(answers_of_rows(model, rows), bare)
    samples = result.samples
    assert list(samples.inputs) == list(FEATURES)
    assert samples.matrix == "input-0"
    serving_samples.write(samples, tmp_path / "samples")
    assert repr(serving_samples.read(tmp_path / "samples")) == repr(samples)  # NaN is not NaN.
    # It answered rows that lack a value, so explanations compare with such rows, too.
    assert any(math.isnan(value) for row in samples.background for value in row.values())
    first = samples.rows[0]
    row = np.array([[first.inputs[name] for name in FEATURES]])
    probabilities = joblib.load(model / "model.joblib").predict_proba(row)[0]
    assert first.outputs == {"output-0": probabilities.tolist()}


def test_a_pickle_needs_no_package_that_its_server_lacks(trained, caplog):
    import dill  # noqa: F401  Beam imports it, and it changes what joblib writes.

    _, model = trained(SKLEARN)
    load_alone = "import sys; sys.modules['dill'] = None; import joblib; joblib.load(sys.argv[1])"
    command = [sys.executable, "-I", "-c", load_alone, str(model / "model.joblib")]
    subprocess.run(command, check=True)
    own = SKLEARN.replace(
        "def run_fn",
        """from sklearn.base import BaseEstimator


class Shifted(BaseEstimator):
    n_features_in_ = 2

    def predict(self, rows):
        return rows[:, 0] + 1


def run_fn""",
    )
    trained(own.replace("save_model(model,", "save_model(Shifted(),"))
    assert "which KServe's server does not have" in caplog.text


def _request(raw: Path):
    from kanaria.components.train.request import TrainRequest

    return TrainRequest(
        examples=raw / "examples",
        transformed_examples=raw / "not_materialized",
        schema=raw / "schema",
        transform_graph=raw,
        module_file="module",
    )


@pytest.mark.parametrize("module", [XGBOOST, NAMED_XGBOOST])
def test_an_xgboost_model_answers_a_matrix_without_names(trained, raw: Path, module: str):
    import xgboost

    _, model = trained(module)
    assert files_of(model) == ["model.json", "signature.yaml"]
    assert feature_signature.read(model).features == FEATURES
    rows, labels = read_arrays(str(raw / "examples/split=train/part-*.parquet"), FEATURES, "late")
    # As KServe's xgbserver does.
    booster = xgboost.Booster(model_file=bytearray((model / "model.json").read_bytes()))
    served = booster.predict(xgboost.DMatrix(rows))
    assert np.array_equal(answers_of_rows(model, rows), served)
    if module is XGBOOST:
        matrix = xgboost.DMatrix(rows, labels)
        own = xgboost.train({"objective": "binary:logistic"}, matrix, 5).predict(matrix)
        assert np.array_equal(served, own)
    # XGBoost before 3.1 reads a list of intercepts as another number, without a word.
    document = json.loads((model / "model.json").read_text())
    assert float(document["learner"]["learner_model_param"]["base_score"]) > 0


def test_several_intercepts_are_told(trained, caplog: pytest.LogCaptureFixture):
    module = XGBOOST.replace('"binary:logistic"', '"multi:softprob", "num_class": 2')
    trained(module)
    assert "2 intercepts" in caplog.text
    assert "base_score=0.5" in caplog.text
    caplog.clear()
    trained(module.replace('"num_class"', '"base_score": 0.5, "num_class"'))
    assert "intercepts" not in caplog.text


def test_an_onnx_model_lies_as_triton_takes_it(trained, raw: Path):
    import onnxruntime

    custom = {"model": logistic([0.001, -2.0], 0.5).hex()}
    with pytest.raises(DataError, match=r"eval rows give a non-finite output"):
        trained(ONNX, custom_config=custom)  # It has no answer to a missing hour.
    module = ONNX.replace('("distance", "hour")', '("distance", "late")')
    result, model = trained(module, custom_config=custom)
    assert files_of(model) == ["1/model.onnx", "config.pbtxt", "signature.yaml"]
    assert (model / "config.pbtxt").read_text() == (
        'backend: "onnxruntime"\n'
        "max_batch_size: 0\n"
        'input { name: "X" data_type: TYPE_FP32 dims: [-1, 2] }\n'
        'output { name: "score" data_type: TYPE_FP32 dims: [-1, 1] }\n'
    )
    assert result.samples.matrix == "X"
    assert result.metadata(_request(raw), {})["model"]["framework"] == "onnx"
    first = result.samples.rows[0]
    session = onnxruntime.InferenceSession(model / "1/model.onnx")
    row = np.array([[first.inputs["distance"], first.inputs["late"]]], np.float32)
    (bare,) = session.run(None, {"X": row})
    assert first.outputs == {"score": bare[0].tolist()}
    with pytest.raises(DataError, match="no ONNX model"):
        trained(module, custom_config={"model": "00"})


def test_what_no_server_could_answer_is_refused(trained):
    with pytest.raises(UserCodeError, match=r"takes \['airline'\], which are no raw features"):
        trained(SKLEARN.replace("FEATURES)\n", '("distance", "airline"))\n'))
    unnamed = SKLEARN.replace(
        "save_model(model, fn_args.serving_model_dir, FEATURES)",
        "save_model(model, fn_args.serving_model_dir, ())",
    )
    with pytest.raises(DataError, match="takes 2 columns and nothing names them"):
        trained(unnamed)
    by_name = SKLEARN.replace(
        "model = HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(rows, labels)",
        """
    import pandas
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    chosen = make_column_transformer((SimpleImputer(), ["distance", "hour"]))
    model = make_pipeline(chosen, HistGradientBoostingClassifier(max_iter=5))
    model = model.fit(pandas.DataFrame(rows, columns=FEATURES), labels)
""",
    )
    with pytest.raises((UserCodeError, DataError), match="columns"):
        trained(by_name)
    with pytest.raises(UserCodeError, match=r"wrote no model .*2 models"):
        trained(SKLEARN + "    save_model(model, fn_args.serving_model_dir, FEATURES)\n" + COPY)


COPY = """
    import shutil
    shutil.copy(f"{fn_args.serving_model_dir}/model.joblib", f"{fn_args.serving_model_dir}/b.pkl")
"""


def test_a_feature_that_the_transform_changes_is_refused(trained, write_flights):
    trained(SKLEARN, transformed_examples=write_flights("same", 1.0))
    with pytest.raises(UserCodeError, match=r"changes \['distance'\].*materialize: false"):
        trained(SKLEARN, transformed_examples=write_flights("other", 1000.0))
