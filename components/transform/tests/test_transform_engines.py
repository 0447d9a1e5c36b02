"""What is analysed where: partitions, other processes, and what only Beam can do."""

import logging
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kanaria.components.shared.engines.beam import Beam
from kanaria.components.shared.engines.local import LocalEngine
from kanaria.components.transform import analysis
from kanaria.components.transform.transform import transform

OWN_BEAM_CODE = """
import apache_beam as beam
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft


class Middle(beam.PTransform):
    def expand(self, batches):
        values = batches | beam.FlatMap(lambda batch: batch[0].flatten().tolist())
        return (
            values
            | beam.combiners.ToList()
            | beam.Map(lambda values: np.float32(np.median(values)))
        )


def preprocessing_fn(inputs):
    miles = inputs["miles"]
    (middle,) = tft.experimental.ptransform_analyzer([miles], Middle(), [tf.float32], [[]])
    return {"above": miles - middle, "z": tft.scale_to_z_score(miles)}
"""

ROOT = Path(__file__).parents[3]

PHASES = """
import tensorflow as tf
import tensorflow_transform as tft


def preprocessing_fn(inputs):
    with tf.init_scope():
        numbers = tf.lookup.KeyValueTensorInitializer(["AA", "UA"], tf.constant([5, 7], tf.int64))
        table = tf.lookup.StaticHashTable(numbers, default_value=1)
    number = tf.cast(table.lookup(inputs["carrier"]), tf.float32)
    place = tft.compute_and_apply_vocabulary(inputs["carrier"])
    again = tft.compute_and_apply_vocabulary(tf.strings.as_string(place), vocab_filename="again")
    tags = tf.cast(tft.compute_and_apply_vocabulary(inputs["tags"]), tf.float32)
    # The first pass alone needs the miles, and TFT asserts that they have a row for each carrier.
    far = tf.cast(inputs["miles"] > 500.0, tf.int64)
    told = tft.compute_and_apply_vocabulary(inputs["carrier"], labels=far, vocab_filename="told")
    return {
        "told": told,
        "number": tft.scale_to_0_1(number),
        "again": again,
        "tags": tft.scale_to_z_score(tags),
    }
"""

OTHER_PROCESS = """
import pickle, sys
pickle.dump(pickle.load(sys.stdin.buffer)(), sys.stdout.buffer)
"""


class Part:
    """One partition of a pass, as an engine carries it to another process."""

    def __init__(self, work, partition):
        self.work, self.partition = work, partition

    def __call__(self):
        states = [one.create() for one in self.work.accumulators]
        for batch in self.work.read(self.partition):
            pairs = zip(self.work.accumulators, states, strict=True)
            states = [one.add(state, batch) for one, state in pairs]
        return states


class OtherProcesses(LocalEngine):
    """Reads every partition in a process of its own, which knows nothing of this one's."""

    def states(self, work, partitions):
        parts = [self._elsewhere(work, partition) for partition in partitions]
        columns = zip(work.accumulators, zip(*parts, strict=True), strict=True)
        return [one.merge(states) for one, states in columns]

    def _elsewhere(self, work, partition):
        command = [sys.executable, "-c", OTHER_PROCESS]
        sent = pickle.dumps(Part(work, partition))
        # What is sent names this module, which pytest found from the root.
        done = subprocess.run(command, input=sent, stdout=subprocess.PIPE, check=True, cwd=ROOT)
        return pickle.loads(done.stdout)


@pytest.fixture
def by(request_for, tmp_path, read_split):
    """Transform with a module's text; return the training rows."""

    def run(text, **options):
        (tmp_path / "features.py").write_text(text)
        request = request_for(module_file=str(tmp_path / "features.py"), custom_config={})
        out = tmp_path / str(len(list(tmp_path.iterdir())))
        transform(request, out / "graph", out / "transformed", **options)
        return read_split(out / "transformed", "train")

    return run


def test_a_users_own_beam_code_is_run_by_beam_and_the_log_says_so(by, raw, read_split, caplog):
    caplog.set_level(logging.INFO)
    transformed = by(OWN_BEAM_CODE)
    miles = read_split(raw / "examples", "train")["miles"].to_numpy()
    assert transformed["above"].to_numpy() == pytest.approx(miles - np.median(miles), abs=1e-3)
    assert "Beam analyses: only it can run PTransform[ptransform]" in caplog.text


def test_other_analyzers_are_not_given_to_beam(by, caplog):
    caplog.set_level(logging.INFO)
    by(PHASES)
    assert "Beam" not in caplog.text


def test_beam_by_name_gives_the_same_rows(by):
    assert by(PHASES, engine=Beam()).equals(by(PHASES))


def test_partitions_in_other_processes_give_the_same_rows(by, monkeypatch):
    here = by(PHASES)
    monkeypatch.setattr(analysis, "ROWS_PER_PARTITION", 200)
    assert by(PHASES, engine=OtherProcesses()).equals(here)


@pytest.mark.parametrize(
    ("sizes", "most", "groups"),
    [
        ((3, 4, 2), 100, [(0,), (0, 1), (0,)]),
        ((3, 0, 4), 3, [(0,), (0,), (1,)]),
    ],
)
def test_files_are_apart_and_large_ones_are_cut(sizes, most, groups, tmp_path, monkeypatch):
    monkeypatch.setattr(analysis, "ROWS_PER_PARTITION", most)
    files = {}
    for number, size in enumerate(sizes):
        path = tmp_path / f"{number}.parquet"
        pq.write_table(pa.table({"x": list(range(size))}), path, row_group_size=3)
        files[path] = size
    assert [part.groups for part in analysis.partitions(files)] == groups
