"""Which framework a model is of, and where its files lie: by the files alone. Pure.

    tensorflow   <integer>/saved_model.pb                     TensorFlow Serving
    sklearn      one *.joblib, *.pkl or *.pickle              KServe's sklearnserver
    xgboost      one *.bst, *.json or *.ubj                   KServe's xgbserver
    lightgbm     one *.bst that begins with the line tree     KServe's lgbserver
    onnx         [<name>/]<integer>/model.onnx, config.pbtxt  Triton
    pytorch      [<name>/]<integer>/model.pt, config.pbtxt    Triton

The servers refuse a folder with two models, so it is refused here too. What a run_fn leaves for
ONNX may also be a bare model.onnx.

Sources: KServe 0.20, sklearnserver/, xgbserver/ and lgbserver/model.py; Triton, "Model Repository".
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from kanaria.components.shared.errors import DataError, shown

PROBABILITIES_VARIABLE = "PREDICT_PROBA"
"""Environment of sklearnserver: "true" makes it answer predict_proba where there is one."""


class Framework(StrEnum):
    """A framework, by the name that KServe's modelFormat has for it."""

    TENSORFLOW = "tensorflow"
    SKLEARN = "sklearn"
    XGBOOST = "xgboost"
    LIGHTGBM = "lightgbm"
    ONNX = "onnx"
    PYTORCH = "pytorch"


ENDINGS = {
    Framework.SKLEARN: (".joblib", ".pkl", ".pickle"),
    Framework.XGBOOST: (".bst", ".json", ".ubj"),
}
"""Of the model's file, which lies at the top of the folder."""
LIGHTGBM_ENDING, LIGHTGBM_FIRST_LINE = ".bst", b"tree"
"""LightGBM's models are texts; XGBoost's of that ending are not."""
SAVED_MODEL, ONNX_MODEL, TORCH_MODEL = "saved_model.pb", "model.onnx", "model.pt"
OF_TRITON = {Framework.ONNX: ONNX_MODEL, Framework.PYTORCH: TORCH_MODEL}
"""Frameworks that Triton serves -> name of the model's file, in the folder of its version."""
REMEDY = (
    "save one of <integer>/saved_model.pb, model.joblib (scikit-learn), model.json (XGBoost), "
    "model.bst (LightGBM) or model.onnx"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFiles:
    """A model on disk.

    Attributes:
        framework: that it is of.
        folder: which its server is given, or of a SavedModel that of its version.
        file: the model's file.
    """

    framework: Framework
    folder: Path
    file: Path

    @property
    def version(self) -> str:
        """The integer of its version, "1" where the framework has none."""
        return self.file.parent.name if self.file.parent.name.isdecimal() else "1"


def locate(model: Path) -> ModelFiles:
    """Return the model in a folder: the newest version where there are several.

    Raises:
        DataError: there is none, or there are two.
    """
    numbered = _newest(model, SAVED_MODEL)
    saved = model / SAVED_MODEL
    if numbered or saved.is_file():
        file = numbered or saved
        return ModelFiles(framework=Framework.TENSORFLOW, folder=file.parent, file=file)
    models = _single_files(model) + _of_triton(model)
    if len(models) == 1:
        framework, file = models[0]
        return ModelFiles(framework=framework, folder=model, file=file)
    if models:
        names = sorted(str(file.relative_to(model)) for _, file in models)
        raise DataError(f"{model}: {len(models)} models, {shown(names)}; a server takes one")
    raise DataError(f"model {shown(str(model))}: no model in it; {REMEDY}")


def _newest(model: Path, name: str) -> Path | None:
    """Return the file of a name in the subfolder with the highest number, None if there is none."""
    files = [file for file in model.glob(f"*/{name}") if file.parent.name.isdecimal()]
    return max(files, key=lambda file: int(file.parent.name), default=None)


def _single_files(model: Path) -> list[tuple[Framework, Path]]:
    files = sorted(file for file in model.glob("*") if file.is_file())
    return [
        (_told_by_content(framework, file), file)
        for framework, endings in ENDINGS.items()
        for file in files
        if file.name.endswith(endings)
    ]


def _told_by_content(framework: Framework, file: Path) -> Framework:
    """Return the framework of a file whose ending two servers take."""
    if not file.name.endswith(LIGHTGBM_ENDING):
        return framework
    with file.open("rb") as opened:
        return Framework.LIGHTGBM if opened.readline().strip() == LIGHTGBM_FIRST_LINE else framework


def _of_triton(model: Path) -> list[tuple[Framework, Path]]:
    folders = [model, *sorted(path for path in model.glob("*") if path.is_dir())]
    files = [
        (framework, file)
        for framework, name in OF_TRITON.items()
        for folder in folders
        if (file := _newest(folder, name))
    ]
    bare = model / ONNX_MODEL
    return [*([(Framework.ONNX, bare)] if bare.is_file() else []), *files]
