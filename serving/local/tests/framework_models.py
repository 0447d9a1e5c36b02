"""Small models of scikit-learn, XGBoost and ONNX."""

from pathlib import Path

import joblib
import numpy as np
import xgboost
from onnx_bytes import logistic
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from kanaria.components.shared.frameworks import xgboost_model
from kanaria.components.shared.frameworks.feature_signature import FeatureSignature, write


def make_models(folder: Path) -> None:
    draw = np.random.default_rng(1)
    rows = draw.normal(size=(300, 3)).astype(np.float32)
    labels = (rows[:, 0] + rows[:, 1] > 0).astype(int)
    rows[::17, 2] = np.nan
    for name in ("sklearn", "texts", "xgboost", "onnx/1"):
        (folder / name).mkdir(parents=True)
    model = HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(rows, labels)
    joblib.dump(model, folder / "sklearn/model.joblib")
    texts = LogisticRegression().fit(np.nan_to_num(rows), np.where(labels, "yes", "no"))
    joblib.dump(texts, folder / "texts/model.joblib")
    booster = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(rows, labels), 5)
    booster.save_model(folder / "xgboost/any.ubj")
    xgboost_model.rewrite(folder / "xgboost/any.ubj")
    for name in ("sklearn", "xgboost"):
        write(folder / name, FeatureSignature(features=("a", "b", "c")))
    (folder / "onnx/1/model.onnx").write_bytes(logistic([1.0, -2.0, 0.5], 0.25))
