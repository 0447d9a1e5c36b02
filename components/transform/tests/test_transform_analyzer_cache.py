"""Analyzers' states that are kept between runs: equal to the last bit, and read only once."""

import logging
import shutil
import subprocess
import sys

import analyzer_rows
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from analyzer_rows import MODULE as EVERY_ANALYZER

from kanaria.components.shared.engines.local import LocalEngine
from kanaria.components.transform import analysis, user_code
from kanaria.components.transform.analyzer_cache import Entry
from kanaria.components.transform.materialize import Transform
from kanaria.components.transform.transform import transform

# Of one batch, of one and a row, and of a single row.
SPANS = (300, 1001, 1)
PARTS = "Analyzer cache {}: {} of {} parts are known, {} to read."

IN_ANOTHER_PROCESS = """
import sys
from pathlib import Path
from kanaria.components.transform.transform import TransformRequest, transform
raw, module, cache, out = map(Path, sys.argv[1:])
request = TransformRequest(
    examples=raw / "examples", schema=raw / "schema", module_file=str(module),
    compute={"analyzer_cache": str(cache)},
)
transform(request, out / "graph", out / "transformed")
"""


class Reads(LocalEngine):
    """Counts the partitions that are read."""

    def __init__(self):
        self.count = 0

    def states(self, work, partitions):
        self.count += len(partitions)
        return super().states(work, partitions)

    def each(self, work, partitions):
        self.count += sum(isinstance(one, Entry) for one in partitions)
        return super().each(work, partitions)


@pytest.fixture(scope="module")
def spans(tmp_path_factory):
    """A file for each span -> its rows."""
    return analyzer_rows.write(tmp_path_factory.mktemp("spans"), 1, SPANS)


@pytest.fixture(scope="module")
def analyzed(tmp_path_factory):
    """Analyse files with every analyzer; return all rows as text, vocabularies, parts read."""
    schema = analyzer_rows.schema()

    def run(files, cache="", module=EVERY_ANALYZER):
        engine, graph = Reads(), tmp_path_factory.mktemp("graph")
        function = user_code.load(str(module), "preprocessing_fn", {}, schema)
        analysis.analyze(files, schema, function, graph, engine, str(cache))
        saved = Transform(schema, graph)
        rows = pa.concat_tables(table for file in files for table in saved.tables(file, ""))
        assets = {path.name: path.read_bytes() for path in graph.glob("transform_fn/assets/*")}
        return {name: repr(rows[name].to_pylist()) for name in rows.column_names}, assets, engine

    return run


def test_every_analyzer_gives_the_same_bits_from_the_cache(spans, analyzed, tmp_path):
    plain, words, without = analyzed(spans)
    first, first_words, filled = analyzed(spans, tmp_path / "cache")
    again, again_words, cached_run = analyzed(spans, tmp_path / "cache")
    assert len(plain) >= 48 and len(words) >= 10
    assert [name for name in plain if plain[name] != first[name]] == []
    assert [name for name in plain if plain[name] != again[name]] == []
    assert words == first_words == again_words
    # Three of them are fed by others, which takes a second pass that is not kept.
    assert (without.count, filled.count, cached_run.count) == (6, 6, 3)


MODULE = """
import tensorflow as tf
import tensorflow_transform as tft
{before}


def preprocessing_fn(inputs):
    {within}
    miles = {miles}
    return {{"z": tft.scale_to_z_score(miles), "bucket": tft.bucketize(miles, {buckets})}}
"""
PLAIN = {"before": "", "within": "", "miles": 'inputs["miles"]', "buckets": 4}


@pytest.fixture
def cached(request_for, tmp_path, caplog):
    """Transform with a module and the folder `cache`; return how many parts were known."""
    caplog.set_level(logging.INFO)

    def run(text="", engine=None, **changes):
        module = tmp_path / "features.py"
        module.write_text(text or MODULE.format(**PLAIN))
        usual = {"module_file": str(module), "custom_config": {}}
        place = {"compute": {"analyzer_cache": str(tmp_path / "cache")}}
        request = request_for(**(usual | place | changes))
        out = tmp_path / "out"
        shutil.rmtree(out, ignore_errors=True)
        caplog.clear()
        transform(request, out / "graph", out / "transformed", engine or LocalEngine())
        counts = [record.args for record in caplog.records if "parts are known" in record.msg]
        return counts[0][1] if counts else None

    return run


def test_a_window_that_moves_on_reads_its_new_span_alone(
    cached, tmp_path, add_part, make_rows, read_split, caplog
):
    for day in range(4):
        for window in ("first", "second"):
            number = day if window == "first" else day - 1
            if 0 <= number < 3:
                add_part(tmp_path / window, "train", make_rows(100 * day, 100), number)
    cached(examples=tmp_path / "first")
    engine = Reads()
    cached(examples=tmp_path / "second", engine=engine)
    assert PARTS.format(tmp_path / "cache", 2, 3, 1) in caplog.text
    assert engine.count == 1
    transformed = read_split(tmp_path / "out/transformed", "train")
    cached(examples=tmp_path / "second", compute={})
    assert read_split(tmp_path / "out/transformed", "train").equals(transformed)


def test_a_second_run_knows_all_parts_and_writes_the_same_rows(cached, tmp_path, read_split):
    assert cached() == 0
    first = read_split(tmp_path / "out/transformed", "train")
    assert cached() == 2
    assert read_split(tmp_path / "out/transformed", "train").equals(first)


def test_another_process_knows_them_too(cached, tmp_path, raw):
    cached()
    module, cache = tmp_path / "features.py", tmp_path / "cache"
    before = sorted(path.name for path in cache.iterdir())
    command = [sys.executable, "-I", "-c", IN_ANOTHER_PROCESS, raw, module, cache, tmp_path / "o"]
    subprocess.run(command, check=True, capture_output=True, env={"PYTHONHASHSEED": "7"})
    assert sorted(path.name for path in cache.iterdir()) == before


@pytest.mark.parametrize("changed", [{"buckets": 5}, {"miles": 'inputs["miles"] + 1.0'}])
def test_another_computation_is_another_entry(changed, cached):
    assert [cached(), cached(MODULE.format(**PLAIN | changed))] == [0, 0]


TABLE = """tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(["AA"], tf.constant([{value}], tf.int64)), 1)"""
FILE = """tf.lookup.StaticVocabularyTable(tf.lookup.TextFileInitializer(
        "{file}", tf.string, tf.lookup.TextFileIndex.WHOLE_LINE,
        tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER), 1)"""
LOOKED_UP = "inputs['miles'] * tf.cast(table.lookup(inputs['carrier']), tf.float32)"
# Each holds a value that stands in no operation of the graph itself, or in a function of it.
OUTSIDE = {
    "branch": {
        "miles": "tf.cond(tf.size(inputs['id']) > 0, lambda: inputs['miles'] * {value}.0, "
        "lambda: inputs['miles'])"
    },
    "constant": {"before": "OUT = tf.constant({value}.0)", "miles": "inputs['miles'] * OUT"},
    "table": {"within": f"table = {TABLE}", "miles": LOOKED_UP},
    "table outside": {"within": f"with tf.init_scope(): table = {TABLE}", "miles": LOOKED_UP},
    "file": {"within": f"with tf.init_scope(): table = {FILE}", "miles": LOOKED_UP},
}


@pytest.mark.parametrize("kind", OUTSIDE)
def test_values_from_outside_the_graph_count(kind, cached, tmp_path):
    def text(value, name):
        words = tmp_path / name  # TensorFlow shares tables of one name within a process.
        words.write_text(f"AA\n{'UA' * value}\n")
        parts = PLAIN | OUTSIDE[kind]
        for place, shown in {"{value}": str(value), "{file}": str(words)}.items():
            parts = {key: str(part).replace(place, shown) for key, part in parts.items()}
        return MODULE.format(**parts)

    counts = [cached(text(2, "a")), cached(text(3, "b")), cached(text(2, "c"))]
    assert counts == [0, 0, 2]


def test_a_comment_and_other_functions_of_the_module_change_nothing(cached):
    cached()
    assert cached(MODULE.format(**PLAIN) + "\n# Changed.\ndef run_fn(fn_args):\n    pass\n") == 2


PYTHON = "tf.ensure_shape(tf.{}(lambda x: x, [inputs['miles']], tf.float32{}), [None, 1])"


@pytest.mark.parametrize(
    ("miles", "unread"),
    [
        (PYTHON.format("py_function", ""), "EagerPyFunc"),
        (PYTHON.format("numpy_function", ", stateful=False"), "PyFuncStateless"),
        ("inputs['miles'] + tf.random.uniform([])", "RandomUniform"),
        ("inputs['miles'] + tf.strings.to_number(tf.io.read_file('{file}'))", "ReadFile"),
    ],
)
def test_what_a_graph_does_not_tell_is_not_kept(miles, unread, cached, tmp_path, caplog):
    (tmp_path / "one.txt").write_text("1")
    text = MODULE.format(**PLAIN | {"miles": miles.replace("{file}", str(tmp_path / "one.txt"))})
    assert cached(text) is None
    assert (
        f"analyzer cache is not used for this function: its graph has the operation {unread}"
        in (caplog.text)
    )
    assert not (tmp_path / "cache").exists()


def test_a_changed_byte_and_a_changed_schema_are_read_again(cached, raw, tmp_path):
    cached()
    shutil.copytree(raw, tmp_path / "raw")
    part = tmp_path / "raw/examples/split=train/part-00001.parquet"
    table = pq.read_table(part)
    ids = table["id"].to_pylist()
    changed = table.set_column(0, "id", pa.array([*ids[:-1], ids[-1] + 1]))
    pq.write_table(changed, part)
    assert cached(examples=tmp_path / "raw/examples") == 1
    schema = tmp_path / "raw/schema/schema.pbtxt"
    schema.write_text(schema.read_text().replace('"id" type: INT', '"id" type: FLOAT'))
    assert cached(examples=tmp_path / "raw/examples", schema=tmp_path / "raw/schema") == 0


def _cut(data):
    return data[: len(data) // 2]


def _flipped(data):
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.mark.parametrize("damage", [_cut, _flipped, lambda _: b"", lambda _: b"a\nb"])
def test_a_damaged_entry_is_read_again_and_mended(damage, cached, tmp_path, read_split, caplog):
    cached()
    first = read_split(tmp_path / "out/transformed", "train")
    entry = min((tmp_path / "cache").iterdir())
    whole = entry.read_bytes()
    entry.write_bytes(damage(whole))
    assert cached() == 2
    lines = [line for line in caplog.messages if "cannot be used" in line]
    assert len(lines) == 1 and str(entry) in lines[0]
    assert read_split(tmp_path / "out/transformed", "train").equals(first)
    assert entry.read_bytes() == whole
