"""Windows of the reference's own rows have its own values, however clients encode them."""

import base64
import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from watched_traffic import exchange

from kanaria.serving.drift.alibi import artefact
from kanaria.serving.drift.report.histogram_bars import distributions
from kanaria.serving.drift.table_detector import Table
from kanaria.serving.drift_watch.column_alignment import aligned
from kanaria.serving.drift_watch.examine_window import Fitted, examine
from kanaria.serving.drift_watch.window_columns import chosen, read

NUMBERS = st.one_of(
    st.integers(-(2**24), 2**24).map(float),
    st.floats(-1e30, 1e30, width=64),
    st.floats(-(2.0**99), 2.0**99, width=32),
    st.builds(
        lambda whole, digits: whole / 10**digits, st.integers(-9999, 9999), st.integers(0, 4)
    ),
    st.builds(lambda whole, part: whole / part, st.integers(-99, 99), st.sampled_from([3, 7, 9])),
).filter(lambda value: value == 0 or abs(value) > 1e-30)
TEXTS = st.one_of(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4))
LARGE = st.integers(-(2**63), 2**63 - 1)
KINDS = {
    "number": st.lists(NUMBERS, min_size=1, max_size=8, unique_by=lambda v: np.float32(v).item()),
    "whole": st.lists(st.integers(-300, 300), min_size=1, max_size=8),
    "code": st.lists(LARGE, min_size=1, max_size=8),
    "text": st.lists(TEXTS, min_size=1, max_size=8),
    "flag": st.lists(st.booleans(), min_size=1, max_size=8),
}
DATATYPES = {"number": "FP64", "whole": "INT64", "code": "INT64", "text": "BYTES", "flag": "BOOL"}
PACKED = {"FP64": "<f8", "FP32": "<f4", "INT64": "<i8", "INT16": "<i2", "BOOL": "?"}


def rows_v1(columns, _):
    names = list(columns)
    values = zip(*columns.values(), strict=True)
    return {"instances": [dict(zip(names, row, strict=True)) for row in values]}


def rows_of_lists_v1(columns, _):
    return rows_v1({name: [[v] for v in values] for name, values in columns.items()}, _)


def columns_v1(columns, _):
    return {"inputs": columns}


def tensors(columns, narrow, *, axis=False):
    listed = []
    for name, values in columns.items():
        datatype = narrow.get(name) or DATATYPES[name]
        shape = [len(values), 1] if axis else [len(values)]
        listed.append({"name": name, "shape": shape, "datatype": datatype, "data": values})
    return listed


def json_v2(columns, narrow):
    return {"inputs": tensors(columns, narrow)}


def pandas_of_mlserver(columns, narrow):
    return {"parameters": {"content_type": "pd"}, "inputs": tensors(columns, narrow, axis=True)}


def base64_of_mlserver(columns, narrow):
    inputs = tensors(columns, narrow, axis=True)
    for tensor in inputs:
        if tensor["datatype"] == "BYTES":
            tensor["parameters"] = {"content_type": "base64"}
            texts = tensor["data"]
            tensor["data"] = [v and base64.b64encode(v.encode()).decode() for v in texts]
    return {"inputs": inputs}


def bits_of_float32(columns, _):
    """What a client in Python sends that computes in float32."""
    numbers = [None if v is None else float(np.float32(v)) for v in columns.get("number", [])]
    return rows_v1(columns | ({"number": numbers} if numbers else {}), _)


def binary_v2(columns, narrow):
    """Nulls have no place there."""
    if any(value is None for values in columns.values() for value in values):
        return json_v2(columns, narrow)
    heads, tail = [], b""
    for tensor in tensors(columns, narrow):
        if tensor["datatype"] == "BYTES":
            texts = [text.encode() for text in tensor.pop("data")]
            part = b"".join(struct.pack("<I", len(text)) + text for text in texts)
        else:
            part = np.array(tensor.pop("data"), PACKED[tensor["datatype"]]).tobytes()
        heads.append(tensor | {"parameters": {"binary_data_size": len(part)}})
        tail += part
    return json.dumps({"inputs": heads}).encode() + tail


ENCODINGS = (
    rows_v1,
    rows_of_lists_v1,
    columns_v1,
    json_v2,
    pandas_of_mlserver,
    base64_of_mlserver,
    bits_of_float32,
    binary_v2,
)


@st.composite
def tables(draw):
    """Columns of each kind, of equally many rows, with missing values in some."""
    rows = draw(st.integers(1, 8))
    columns = {}
    for kind in draw(st.sets(st.sampled_from(sorted(KINDS)), min_size=1)):
        pool = draw(KINDS[kind])
        values = [draw(st.sampled_from(pool)) for _ in range(rows)]
        if draw(st.booleans()):
            values = [None if draw(st.integers(0, 3)) == 0 else value for value in values]
        columns[kind] = values
    return columns


def fitted_array(values, as_single):
    if any(value is None or isinstance(value, str) for value in values):
        objects = np.empty(len(values), dtype=object)
        objects[:] = values
        return objects
    array = np.array(values)
    return array.astype(np.float32) if as_single and array.dtype.kind == "f" else array


@settings(max_examples=150, deadline=None)
@given(tables(), st.data())
def test_every_encoding_gives_the_references_own_values(columns, data):
    as_single = data.draw(st.booleans())
    arrays = {name: fitted_array(values, as_single) for name, values in columns.items()}
    # What is null throughout has no kind; it is tested in its own place.
    arrays = {n: a for n, a in arrays.items() if any(v is not None for v in columns[n])}
    if not arrays:
        return
    columns = {name: columns[name] for name in arrays}
    codes = ("code",) if "code" in arrays and arrays["code"].dtype.kind == "i" else ()
    reference = Table(categorical=codes).fit(arrays)
    exchanges = []
    for row in range(len(next(iter(columns.values())))):
        encode = data.draw(st.sampled_from(ENCODINGS))
        narrow = {
            "number": data.draw(st.sampled_from(["FP64", "FP32"])),
            "whole": data.draw(st.sampled_from(["INT64", "INT16"])),
        }
        document = encode({n: values[row : row + 1] for n, values in columns.items()}, narrow)
        exchanges.append(exchange(document, rows=1))
    distributions_of_reference = distributions(reference)
    aligned_columns, differences = aligned(
        chosen(read(exchanges), distributions_of_reference), distributions_of_reference
    )
    assert differences == []
    window = Table(categorical=codes).fit(aligned_columns | {n: aligned_columns[n] for n in codes})
    for name, values in reference.numbers.values.items():
        assert np.array_equal(
            np.sort(aligned_columns[name][~np.isnan(aligned_columns[name])]), values
        ), name
    for name, kinds in reference.categories.kinds.items():
        assert window.categories.kinds[name].tolist() == kinds.tolist(), name
        assert np.array_equal(window.categories.counts[name], reference.categories.counts[name])


def matrix_rows(matrix):
    return {"instances": matrix}


def matrix_columns(matrix):
    return {"inputs": matrix}


def matrix_v2(matrix):
    shape = [len(matrix), len(matrix[0])]
    return {"inputs": [{"name": "input-0", "shape": shape, "datatype": "FP32", "data": matrix}]}


@pytest.mark.parametrize("width", [1, 2, 3])
def test_a_matrix_of_any_width_has_its_places_in_any_protocol_and_all_of_them_together(
    tmp_path, width
):
    rows = np.round(np.random.default_rng(3).normal(40, 10, (900, width)), 2)
    np.save(tmp_path / "x_ref.npy", rows.astype(np.float32))
    (tmp_path / "config.toml").write_text(
        'name = "KSDrift"\nx_ref = "x_ref.npy"\np_val = 0.05\ncorrection = "bonferroni"\n'
    )
    detector, reference = artefact.load(tmp_path)
    matrix = rows.tolist()
    bodies = [
        matrix_rows(matrix[:300]),
        matrix_columns(matrix[300:600]),
        matrix_v2(matrix[600:]),
    ]
    window = examine(
        read([exchange(body, rows=300) for body in bodies]),
        Fitted(detector=detector, reference=reference),
    )
    assert (window.verdict, window.statistic, window.differences) == ("stable", 0.0, ())


def test_a_matrix_of_numbers_and_texts_has_columns_of_both():
    rows = read([exchange({"instances": [[1.5, "a"], [2, "b"], None]}, rows=3)])
    columns = chosen(rows, ["0", "1"])
    np.testing.assert_array_equal(columns["0"], [1.5, 2, np.nan])
    assert columns["1"].tolist() == ["a", "b", None]


def test_raw_images_are_compared_with_a_reference_of_pixels(tmp_path):
    images = np.round(np.random.default_rng(3).random((300, 4, 4, 3)), 2)
    np.save(tmp_path / "x_ref.npy", images)
    (tmp_path / "config.toml").write_text(
        'name = "KSDrift"\nx_ref = "x_ref.npy"\np_val = 0.05\ncorrection = "bonferroni"\n'
    )
    detector, reference = artefact.load(tmp_path)
    fitted = Fitted(detector=detector, reference=reference)
    sent = exchange({"instances": images.tolist()}, rows=300)
    window = examine(read([sent], pixels=fitted.of_pixels), fitted)
    assert (fitted.of_pixels, window.statistic, window.differences) == (True, 0.0, ())
