"""Lays out what run_fn saved as the server of its framework takes it, at the top of the artifact.

SavedModel           1/saved_model.pb ...
scikit-learn         model.joblib, signature.yaml
XGBoost              model.json, signature.yaml
LightGBM             model.bst, signature.yaml
ONNX                 1/model.onnx, config.pbtxt, signature.yaml
"""

import logging
from dataclasses import replace
from pathlib import Path

from kanaria.components.shared.frameworks import (
    feature_signature,
    load_model,
    model_files,
    sklearn_model,
    triton_config,
    xgboost_model,
)
from kanaria.components.shared.frameworks.model_files import Framework, ModelFiles
from kanaria.components.shared.frameworks.onnx_model import OnnxModel

logger = logging.getLogger(__name__)
BESIDE = (feature_signature.FILE, triton_config.FILE)
"""Files that lie beside the version's folder of an ONNX model."""


def settle(model: Path, saved: Path) -> ModelFiles:
    """Lay out the model that run_fn saved, and return where it lies then.

    Args:
        model: the artifact.
        saved: `fn_args.serving_model_dir`, a folder in it.

    Raises:
        DataError: there is no model that loads, or there are two.
    """
    files = model_files.locate(saved)
    if files.framework is Framework.TENSORFLOW:
        return files
    aside = model / ".saved"
    saved.rename(aside)
    if files.framework is Framework.ONNX:
        _lay_out_onnx(aside, model, Path(aside / files.file.relative_to(saved)).parent)
    else:
        _move(aside, model)
    if files.framework is Framework.XGBOOST:
        _rewrite(model)
    settled = model_files.locate(model)
    if files.framework is Framework.SKLEARN:
        _complete_signature(settled)
    return settled


def _move(source: Path, target: Path) -> None:
    """Move what lies in one folder into another, and remove the folder."""
    target.mkdir(exist_ok=True)
    for path in source.iterdir():
        path.rename(target / path.name)
    source.rmdir()


def _lay_out_onnx(aside: Path, model: Path, folder: Path) -> None:
    for name in BESIDE:
        for place in {folder, aside}:
            if (place / name).is_file():
                (place / name).rename(model / name)
    version = model / "1"
    _move(folder, version)
    if folder != aside:
        _move(aside, model)
    if not (model / triton_config.FILE).exists():
        onnx = OnnxModel(version / model_files.ONNX_MODEL)
        text = triton_config.text(onnx.inputs, onnx.outputs)
        (model / triton_config.FILE).write_text(text, encoding="utf-8")


def _rewrite(model: Path) -> None:
    file = model_files.locate(model).file
    names, faults = xgboost_model.rewrite(file)
    for fault in faults:
        logger.warning("model: %s", fault)
    signature = feature_signature.read(model)
    feature_signature.check_order(names, signature.features, str(file))
    if names and not signature.features:
        feature_signature.write(model, replace(signature, features=names))


def _complete_signature(files: ModelFiles) -> None:
    """Write what the estimator tells into the signature: who delivers it does not load it."""
    if foreign := sklearn_model.rewrite(files.file):
        logger.warning(
            "model: it needs %s, which KServe's server does not have: serve it by an image of your "
            "own, or build it of scikit-learn alone",
            ", ".join(foreign),
        )
    signature = feature_signature.read(files.folder)
    model = load_model.matrix_model(files, signature)
    names = signature.features or model.features
    complete = replace(signature, features=names, probabilities=model.classes is not None)
    feature_signature.write(files.folder, complete)
