"""A worker that a cluster started, e.g. as a pod of a TFJob, which gives it TF_CONFIG.

    python -m kanaria.components.train.pod_worker ORDER

ORDER is a JSON file {"request": fields of TrainRequest, "model": path, "logs": path}; its paths,
`model_run_dir` with them, lie where all workers see the same. The chief does what train_model does;
the others compute with it, and what they save is dropped. The process ends with
`worker_cluster.LOST`, after which all are to start anew, when it lost another.
"""

import json
import os
import sys
import tempfile
import traceback
from dataclasses import replace
from pathlib import Path

from kanaria.components.shared.engines.compute_mapping import TRAINING_WORKERS
from kanaria.components.shared.errors import KanariaError
from kanaria.components.shared.imports import training
from kanaria.components.train import worker_cluster
from kanaria.components.train.request import TrainRequest
from kanaria.components.train.run_fn_folders import Places


def _train(request: TrainRequest, model: Path, logs: Path) -> None:
    training.load("tensorflow", "tensorflow_transform", "apache_beam")
    from kanaria.components.train import base_model, run_fn_call
    from kanaria.components.train.train import train

    run = worker_cluster.joined(request, run_fn_call.prepared(request))
    if worker_cluster.is_chief(os.environ):
        train(request, model, logs, run)
        return
    with (
        base_model.opened(request.base_model, request.verify_key) as base,
        tempfile.TemporaryDirectory(prefix="kanaria-") as scratch,
    ):
        folder = Path(request.model_run_dir)
        run(Places(saved=Path(scratch, "1"), logs=folder, base=base))


def main(order: str) -> None:
    """Train as ORDER says."""
    content = json.loads(Path(order).read_text(encoding="utf-8"))
    try:
        workers = {TRAINING_WORKERS: worker_cluster.size(os.environ)}
        request = replace(TrainRequest.of_json(content["request"]), compute=workers)
        _train(request, Path(content["model"]), Path(content["logs"]))
    except KanariaError as error:
        traceback.print_exc()
        os._exit(worker_cluster.LOST if worker_cluster.has_lost_another(error) else 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
