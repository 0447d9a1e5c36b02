"""What is sent to MLflow: its names, its limits, and no password."""

import json
import posixpath
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.shared.artifacts.judged_metrics import Value
from kanaria.serving.model_registry import run_facts
from kanaria.serving.model_registry.mlflow_limits import batches, cut, keys

TAKEN = re.compile(r"[/\w.\- :]{1,250}")


@given(st.lists(st.text(), unique=True))
def test_every_name_has_a_key_of_its_own_that_mlflow_takes(names: list[str]):
    by_name = keys(names)
    assert list(by_name) == names
    assert len(set(by_name.values())) == len(names)
    for key in by_name.values():
        assert TAKEN.fullmatch(key)
        assert posixpath.normpath(key) == key
        assert not key.startswith(("/", "..")) and key != "."


def test_names_that_mlflow_takes_stay():
    names = ["auc", "auc/carrier:AA", "hyperparameters.layers.a/b", "값", "a b", "x-1_2"]
    assert keys(names) == {name: name for name in names}


def test_two_names_that_would_be_one_are_two():
    assert keys(["a=b", "a:b", "a@b", "a_b"]) == {
        "a=b": "a:b",
        "a:b": "a:b 2",
        "a@b": "a_b",
        "a_b": "a_b 2",
    }


def test_parameters_are_dotted_names_with_values_as_people_write_them():
    values = {"a": 1.0, "b": {"lr": 1e-3, "on": True, "off": False, "zero": 0}, "c": [1, "x"]}
    empty = {"d": "", "e": None, "f": {}, "g": []}
    assert run_facts.params(values | empty) == {
        "a": "1",
        "b.lr": "0.001",
        "b.on": "true",
        "b.off": "false",
        "b.zero": "0",
        "c": '[1, "x"]',
    }


def test_a_password_of_a_database_is_not_sent():
    uri = "postgresql://kim:ge@heim@host/db"
    assert run_facts.params({"data": uri}) == {"data": "postgresql://host/db"}
    assert run_facts.tags({"kanaria.data": uri}) == {"kanaria.data": "postgresql://host/db"}


def test_metrics_of_slices_stand_behind_the_name_of_the_metric():
    values = [
        Value(slice="", metric="auc", candidate=0.8, baseline=None, candidate_interval=(0.7, 0.9)),
        Value(slice="carrier=AA", metric="auc", candidate=0.6, baseline=None),
    ]
    assert run_facts.metrics(values, rows=10).metrics == {
        "auc": 0.8,
        "auc.low": 0.7,
        "auc.high": 0.9,
        "auc/carrier:AA": 0.6,
        "rows": 10,
    }


@pytest.mark.parametrize("longest", [40, 41, 6_000])
def test_a_text_that_is_cut_says_so(longest: int):
    assert cut("x" * longest, longest) == "x" * longest
    short = cut("x" * (longest + 1), longest)
    assert len(short) == longest
    assert short.endswith(f"… ({longest + 1} characters)")


def test_batches_hold_everything_once_within_the_limits():
    params = {f"p{n}": "가" * 6_000 for n in range(101)}
    points = [{"key": f"m{n}", "value": 0.5, "timestamp": 1, "step": 0} for n in range(1_950)]
    tags = {f"t{n}": str(n) for n in range(250)}
    whole: dict[str, list] = {"params": [], "metrics": [], "tags": []}
    for batch in batches(params, points, tags):
        assert len(json.dumps(batch)) <= 1_000_000
        assert sum(map(len, batch.values())) <= 1_000
        assert all(len(batch.get(kind, [])) <= 100 for kind in ("params", "tags"))
        for kind, entities in batch.items():
            whole[kind] += entities
    assert {each["key"]: each["value"] for each in whole["params"]} == params
    assert whole["metrics"] == points
    assert {each["key"]: each["value"] for each in whole["tags"]} == tags
    assert list(batches({}, [], {})) == []
