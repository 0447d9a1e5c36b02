"""Where run_fn's logs and checkpoints live: the step's artifact, a folder, or a bucket.

A bucket is mirrored in a local folder, because not every TensorFlow reads every kind of bucket:
it is fetched at the start, and what changed is published after every checkpoint and at the end.
A note in the folder tells `kanaria.components.train.checkpoints` which training this is, since
TFX's FnArgs has no place for that.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kanaria.components.shared.artifacts.document_format import DocumentFormat
from kanaria.components.shared.errors import UserCodeError, shown
from kanaria.components.shared.storage import atomic, uri_files

NOTE = "training.json"
FORMAT = DocumentFormat()
"""Of the note."""
PUBLISHED = ".published"
CHECKPOINTS = "checkpoints"
OWN = (NOTE, PUBLISHED, CHECKPOINTS)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelRun:
    """One training's place for logs and checkpoints.

    Attributes:
        folder: what `fn_args.model_run_dir` is.
        bucket: URI that the folder mirrors, or "".
        key: names all that decides what the training ends with; equal keys may resume.
        seed: of the training.
    """

    folder: Path
    bucket: str
    key: str
    seed: int

    def begin(self) -> None:
        """Leave the note by which `of` finds this training again."""
        (self.folder / PUBLISHED).touch()
        values = {"bucket": self.bucket, "key": self.key, "seed": self.seed}
        atomic.write_text(self.folder / NOTE, json.dumps(FORMAT.numbered(values)))

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.folder / CHECKPOINTS

    def publish_checkpoint(self, checkpoint: Path, last: str) -> None:
        """Publish one checkpoint to the bucket, its file `last` after all others, and the logs."""
        if self.bucket:
            uri = uri_files.join(self.bucket, CHECKPOINTS, checkpoint.name)
            uri_files.publish(checkpoint, uri, last)
            self.publish_logs()

    def publish_logs(self) -> None:
        """Publish the files written since the last call, checkpoints left out."""
        if not self.bucket:
            return
        mark = self.folder / PUBLISHED
        before = mark.stat().st_mtime_ns
        mark.touch()  # First, so that what is written from now on counts the next time.
        for file in sorted(self.folder.rglob("*")):
            name = file.relative_to(self.folder)
            if name.parts[0] not in OWN and file.is_file() and file.stat().st_mtime_ns >= before:
                self._publish_log(file, uri_files.join(self.bucket, name.as_posix()))

    def _publish_log(self, file: Path, uri: str) -> None:
        with tempfile.TemporaryDirectory(prefix="kanaria-") as scratch:
            # Somebody may still be writing the file; its copy keeps still.
            uri_files.publish(Path(shutil.copy(file, scratch)), uri)

    def remove_checkpoint(self, name: str) -> None:
        """Remove a checkpoint, or what is left of one, here and in the bucket."""
        if self.bucket:
            uri_files.remove(uri_files.join(self.bucket, CHECKPOINTS, name))
        atomic.remove(self.checkpoints / name)

    def finish(self) -> None:
        """Publish the logs; remove the checkpoints, so that no later training resumes them."""
        self.publish_logs()
        if self.bucket:
            uri_files.remove(uri_files.join(self.bucket, CHECKPOINTS))
        for name in OWN:
            atomic.remove(self.folder / name)


@contextmanager
def local_folder(model_run_dir: str, artifact: Path) -> Iterator[Path]:
    """Yield the local folder that a place outliving the step is, or is mirrored in.

    Args:
        model_run_dir: path or URI of it; "" for none, then it is `artifact`.
        artifact: folder of the step's own.

    Raises:
        NotReadyError: the store does not answer.
    """
    if not model_run_dir:
        yield artifact
    elif not uri_files.is_remote(model_run_dir):
        yield uri_files.local_path(model_run_dir).resolve()
    else:
        with tempfile.TemporaryDirectory(prefix="kanaria-") as scratch:
            if uri_files.exists(model_run_dir):
                yield uri_files.fetched(model_run_dir, Path(scratch))
            else:
                yield Path(scratch) / "model_run"


@contextmanager
def opened(model_run_dir: str, target: Path, key: str, seed: int) -> Iterator[ModelRun]:
    """Yield where run_fn writes; a block that succeeds ends the training and its checkpoints.

    Args:
        model_run_dir: path or URI that outlives this process; "" for the target itself.
        target: folder of the step's output; its file COMPLETE names the other place.
        key: see ModelRun.
        seed: see ModelRun.

    Raises:
        NotReadyError: the store does not answer.
    """
    with atomic.published(target) as artifact, local_folder(model_run_dir, artifact) as folder:
        artifact.mkdir()
        folder.mkdir(parents=True, exist_ok=True)
        bucket = model_run_dir if uri_files.is_remote(model_run_dir) else ""
        run = ModelRun(folder=folder, bucket=bucket, key=key, seed=seed)
        run.begin()
        yield run
        run.finish()
        # KFP uploads no empty folder.
        (artifact / "COMPLETE").write_text(model_run_dir, encoding="utf-8")


def of(model_run_dir: str) -> ModelRun:
    """Return the training that `fn_args.model_run_dir` belongs to.

    Raises:
        UserCodeError: the folder is not the one that train_model gave.
    """
    folder = Path(model_run_dir)
    try:
        text = (folder / NOTE).read_text(encoding="utf-8")
        values = FORMAT.current(json.loads(text), str(folder / NOTE))
    except OSError as error:
        raise UserCodeError(
            f"fn_args.model_run_dir={shown(model_run_dir)}: no training of train_model writes "
            "there; pass the fn_args that run_fn was called with"
        ) from error
    return ModelRun(folder=folder, **values)
