"""What train_model is asked for, and what it gives."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kanaria.components.shared.artifacts import metadata, package_versions
from kanaria.components.shared.artifacts.serving_samples import ServingSamples
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.engines import compute_mapping
from kanaria.components.shared.errors import ParameterError
from kanaria.components.shared.frameworks.model_files import Framework
from kanaria.components.shared.storage import uri_files

PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")
"""Keras's own names; with the mixed ones layers compute in 16 bits and keep weights in 32."""
PATHS = ("examples", "transformed_examples", "schema", "transform_graph")


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainRequest:
    """What to train on and with which user function.

    Attributes:
        examples: raw examples artifact with splits `train` and `eval`.
        transformed_examples: transformed ones, or an artifact marked as not materialized.
        schema: folder with `schema.pbtxt` of the raw features.
        transform_graph: what `tft.TFTransformOutput` loads.
        module_file: path of a `.py` file, or an importable name.
        run_fn: name of the function in it.
        train_steps: steps, 0 for no limit.
        eval_steps: steps, 0 for no limit.
        hyperparameters: handed to the function.
        custom_config: handed to the function.
        seed: of Python, numpy and TensorFlow, 0 to 2**32 - 1.
        precision: Keras's policy while the function runs, one of `PRECISIONS`.
        base_model: URI of the release to start from, or "".
        verify_key: PEM of the public key that it must be signed for, or "".
        model_run_dir: path or bucket URI where logs and checkpoints outlive the step, or "".
        compute: mapping as the user wrote it; only its training_workers counts here.
    """

    examples: Path
    transformed_examples: Path
    schema: Path
    transform_graph: Path
    module_file: str
    run_fn: str = "run_fn"
    train_steps: int = 0
    eval_steps: int = 0
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    custom_config: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    precision: str = PRECISIONS[0]
    base_model: str = ""
    verify_key: str = ""
    model_run_dir: str = ""
    compute: dict[str, Any] = field(default_factory=dict)

    @property
    def training_workers(self) -> int:
        """How many processes train together, 1 or more."""
        return compute_mapping.parse(self.compute, Faults("train_model")).training_workers

    def as_json(self) -> dict[str, Any]:
        """Return the fields as JSON can hold them."""
        fields = asdict(self)
        return {n: str(value) if isinstance(value, Path) else value for n, value in fields.items()}

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> "TrainRequest":
        """Return what `as_json` gave."""
        paths: dict[str, Any] = {name: Path(values[name]) for name in PATHS}
        return cls(**{**values, **paths})


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """What is known of the model.

    Attributes:
        framework: that it is of, as KServe's modelFormat names it.
        fingerprint: of its content.
        signatures: names of them.
        samples: rows and its answers.
        device: what it was trained on: "CPU", or the GPUs, as `devices.used` tells them.
    """

    framework: Framework
    fingerprint: str
    signatures: tuple[str, ...]
    samples: ServingSamples
    device: str

    def metadata(
        self, request: TrainRequest, examples: Mapping[str, Any]
    ) -> dict[str, dict[str, Any]]:
        """Return output -> its artifact's metadata.

        The model's goes into the release's record: how and from what it was made. The module's
        file is not in it, as another text of it may make the same model.

        Args:
            request: what was trained.
            examples: metadata of the examples, as ingest_data wrote it.
        """
        data = {name: examples.get(name) for name in ("span", "rows", "fingerprint")}
        settings = ("train_steps", "hyperparameters", "seed", "base_model")
        facts = {
            "framework": str(self.framework),
            "fingerprint": self.fingerprint,
            "signatures": list(self.signatures),
            **{name: getattr(request, name) for name in settings},
            "precision": request.precision,
            "device": self.device,
            compute_mapping.TRAINING_WORKERS: request.training_workers,
            "packages": package_versions.versions(self.framework),
            "data": data,
        }
        release, count = self.fingerprint[:16], metadata.rows(len(self.samples.rows))
        logs = {"model_run_dir": request.model_run_dir}
        return {
            "model": metadata.described("model", facts, release, data["span"]),
            "model_run": metadata.described("model_run", logs, release),
            "serving_samples": metadata.described("serving_samples", {}, release, count),
        }


def check(request: TrainRequest) -> None:
    """Raise ParameterError naming every parameter that is out of range."""
    faults = Faults("train_model")
    faults.check(bool(request.module_file), "module_file", "", "name a .py file or a module")
    faults.check(bool(request.run_fn), "run_fn", "", "name a function")
    faults.check(request.train_steps >= 0, "train_steps", request.train_steps, "use 0 or more")
    faults.check(request.eval_steps >= 0, "eval_steps", request.eval_steps, "use 0 or more")
    faults.check(0 <= request.seed < 2**32, "seed", request.seed, "use 0 to 2**32 - 1")
    remedy = f"use one of {', '.join(PRECISIONS)}"
    faults.check(request.precision in PRECISIONS, "precision", request.precision, remedy)
    compute_mapping.parse(request.compute, faults)
    for name in ("base_model", "model_run_dir"):
        uri = getattr(request, name)
        try:
            # Only what is not remote has a path; asking for it finds unknown schemes.
            _ = uri_files.is_remote(uri) or uri_files.local_path(uri)
        except ParameterError as error:
            faults.add(f"{name}: {error}")
    faults.raise_if_any()
