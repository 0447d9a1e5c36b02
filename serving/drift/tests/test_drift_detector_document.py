"""What somebody may name as a detector, and what is said of what he may not."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.serving.drift import saved_detector
from kanaria.serving.drift.detector_document import AlibiSettings, chosen, fitted_anew, load
from kanaria.serving.drift.detector_registry import KINDS, SHORT
from kanaria.serving.drift.multivariate.maximum_mean_discrepancy import MaximumMeanDiscrepancy
from kanaria.serving.drift.table_detector import Table

ROWS = {"x": np.random.default_rng(1).normal(size=50)}


def test_nothing_names_a_table_with_what_the_data_tell():
    defaults = {"categorical": ("month",), "outputs": ("x",)}
    assert fitted_anew({}, defaults) == Table(categorical=("month",))
    assert fitted_anew({"alpha": 0.01, "categorical": []}, defaults) == Table(alpha=0.01)


def test_an_abbreviation_names_the_same_kind():
    assert fitted_anew({"kind": "mmd"}) == fitted_anew({"kind": "maximum_mean_discrepancy"})
    assert chosen({"kind": "mmd", "folder": "d"}).kind == "maximum_mean_discrepancy"


def test_every_kind_has_defaults_and_names_itself():
    for name, kind in KINDS.items():
        assert fitted_anew({"kind": name}).name == name
        assert set(kind.fixed) <= set(kind.parameters)
    assert not set(SHORT) & set(KINDS)
    assert len(SHORT) == sum(bool(kind.short) for kind in KINDS.values())


@pytest.mark.parametrize(
    ("document", "parts"),
    [
        ({"kind": "mmdd"}, ["kind='mmdd': no such detector, did you mean mmd?"]),
        ({"kind": "zzzz"}, ["kind='zzzz': no such detector; use table, "]),
        ({"kind": 3}, ["kind=3: write a text"]),
        ({"alpah": 0.1}, ["table: alpah=0.1: no such parameter, did you mean alpha?"]),
        (
            {"kind": "online_cvm", "expected_run_time": 1, "least": -1, "window_sizes": "wide"},
            ["expected_run_time=1: use 2", "least=-1", "window_sizes='wide': write a list"],
        ),
        (
            {
                "kind": "uncertainty",
                "alpha": 2,
                "alternative": "up",
                "measure": "x",
                "corection": 1,
            },
            ["alpha=2", "alternative='up'", "measure='x'", "did you mean correction?"],
        ),
        ({"kind": "mahalanobis", "flag_share": 0, "alpha": "a"}, ["flag_share=0", "alpha='a'"]),
        ({"kind": "alibi"}, ["Alibi Detect itself fits it"]),
    ],
)
def test_all_faults_of_a_detector_are_named_at_once(document, parts):
    with pytest.raises(ParameterError) as raised:
        fitted_anew(document)
    assert "\n" not in str(raised.value)
    for part in parts:
        assert part in str(raised.value)


def test_parameters_change_what_was_fitted_and_leave_the_rest(tmp_path: Path):
    detector = MaximumMeanDiscrepancy(alpha=0.02, permutations=500)
    saved_detector.save(tmp_path / "detector", detector, detector.fit(ROWS))
    choice = chosen({"kind": "mmd", "folder": "", "alpha": 0.01})
    loaded, _ = load(tmp_path / "detector", choice)
    assert loaded == dataclasses.replace(detector, alpha=0.01)
    assert load(tmp_path / "detector")[0] == detector


def test_another_kind_than_the_one_that_lies_there_is_refused(tmp_path: Path):
    saved_detector.save(tmp_path / "detector", Table(), Table().fit(ROWS))
    with pytest.raises(DataError, match=r"is of kind table, asked for is maximum_mean_discrepancy"):
        load(tmp_path / "detector", chosen({"kind": "mmd"}))


def test_what_shapes_the_reference_cannot_be_changed_later():
    with pytest.raises(ParameterError, match="categorical: set when it is fitted"):
        chosen({"kind": "table", "folder": "d", "categorical": ["month"]})


def artefact(folder: Path, name: str) -> Path:
    folder.mkdir()
    (folder / "config.toml").write_text(
        f'name = "{name}"\nx_ref = "x_ref.npy"\np_val = 0.1\ncorrection = "bonferroni"\n'
    )
    np.save(folder / "x_ref.npy", np.random.default_rng(1).normal(size=(50, 2)))
    return folder


def test_an_artefact_of_alibi_detect_is_read_and_told_what_matters(tmp_path: Path):
    folder = artefact(tmp_path / "ks", "KSDrift")
    choice = chosen({"kind": "alibi", "folder": str(folder), "least": 0.2, "accept_bsl": True})
    assert choice.settings == AlibiSettings(least=0.2, accept_bsl=True)
    detector, _ = load(folder, choice)
    assert (detector.name, detector.alpha, detector.least) == ("kolmogorov_smirnov", 0.1, 0.2)
    assert load(folder)[0].name == "kolmogorov_smirnov"


def test_what_alibi_detect_alone_can_run_names_the_remedy(tmp_path: Path):
    folder = artefact(tmp_path / "learned", "LearnedKernelDrift")
    with pytest.raises(DataError, match=r"kind: alibi, accept_bsl: true.*extra 'alibi'"):
        load(folder)
    with pytest.raises(ParameterError, match="install the extra 'alibi'"):
        load(folder, chosen({"kind": "alibi", "accept_bsl": True}))
