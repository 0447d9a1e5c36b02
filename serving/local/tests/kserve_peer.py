"""KServe's own model server around models: python kserve_peer.py FOLDER PORT [GRPC_PORT].

What its servers of scikit-learn and XGBoost add to `kserve.Model` is which function of the library
they call; they are not on PyPI.
"""

import sys
from pathlib import Path

import joblib
import kserve
import xgboost
from kserve.errors import InferenceError
from kserve.utils.utils import get_predict_input, get_predict_response


class Peer(kserve.Model):
    def __init__(self, name, function):
        super().__init__(name)
        self.function, self.ready = function, True

    def predict(self, payload, *_, **__):
        try:
            result = self.function(get_predict_input(payload))
            return get_predict_response(payload, result, self.name)
        except Exception as error:
            raise InferenceError(str(error)) from error


def boosted(file):
    booster = xgboost.Booster(params={"nthread": 1}, model_file=bytearray(file.read_bytes()))
    return lambda rows: booster.predict(xgboost.DMatrix(rows, nthread=1))


if __name__ == "__main__":
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    functions = {
        "probabilities": joblib.load(folder / "sklearn/model.joblib").predict_proba,
        "classes": joblib.load(folder / "sklearn/model.joblib").predict,
        "texts": joblib.load(folder / "texts/model.joblib").predict,
        "boosted": boosted(folder / "xgboost/model.json"),
    }
    ports = {"grpc_port": int(sys.argv[3])} if len(sys.argv) > 3 else {"enable_grpc": False}
    server = kserve.ModelServer(http_port=port, enable_docs_url=False, **ports)
    server.start([Peer(name, function) for name, function in functions.items()])
