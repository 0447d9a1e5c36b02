"""The steps on statistics load none of the large libraries, and leave the process as it was."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kanaria.components.validate import private_tfdv
from kanaria.components.validate.validate import ValidateRequest, validate

HEAVY = ("IPython", "apache_beam", "keras", "matplotlib", "pandas", "scipy", "tensorflow")
COLUMNS = {
    "word": ["a", "b", None, "é"] * 20,
    "number": [float(i) for i in range(80)],
    "list": [[i] * (i % 3) for i in range(80)],
}
DRIFT = (
    'feature{{name:"word" type:BYTES drift_comparator{{infinity_norm{{threshold:0.5}}}}}}'
    'feature{{name:"number" type:FLOAT}} feature{{name:"list" type:INT}}'
)
PROGRAM = """
import builtins, json, sys
from pathlib import Path

heavy = {heavy}
came = {{}}
importing = builtins.__import__

def noting(name, globals=None, *rest, **named):
    found = importing(name, globals, *rest, **named)
    for each in heavy:
        if getattr(sys.modules.get(each), "__file__", None):
            came.setdefault(each, (globals or {{}}).get("__name__", "?"))
    return found

builtins.__import__ = noting
{work}
print(json.dumps(came))
"""
VALIDATE = """
from kanaria.components.validate.validate import Targets, ValidateRequest, validate
out = Path({out!r})
validate(
    ValidateRequest(examples=Path({examples!r})),
    Targets(
        statistics=out / "statistics", schema=out / "schema", anomalies=out / "anomalies",
        outcome=out / "outcome", report=out / "report.html",
    ),
)
"""
COMPARE = """
from kanaria.components.validate.compare import CompareRequest, CompareTargets, compare
out = Path({out!r})
compare(
    CompareRequest(statistics=Path({statistics!r}), schema=Path({schema!r}), deployed={deployed!r}),
    CompareTargets(anomalies=out / "anomalies", outcome=out / "outcome", report=out / "r.html"),
)
"""


def _imported(work: str) -> dict[str, str]:
    """Run `work` in a new interpreter; return each heavy library that came in -> through whom."""
    program = PROGRAM.format(heavy=HEAVY, work=work)
    command = [sys.executable, "-I", "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not ended.returncode, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])


def test_validate_data_loads_no_large_library(examples_of, tmp_path: Path):
    examples = examples_of(train=COLUMNS, eval=COLUMNS)
    work = VALIDATE.format(out=str(tmp_path / "out"), examples=str(examples))
    assert _imported(work) == {}


def test_compare_data_loads_no_large_library_when_it_compares(
    examples_of, targets_in, tmp_path: Path
):
    targets = targets_in("release")
    validate(ValidateRequest(examples=examples_of(train=COLUMNS)), targets)
    schema = tmp_path / "schema"
    schema.mkdir()
    (schema / "schema.pbtxt").write_text(DRIFT.format())
    work = COMPARE.format(
        out=str(tmp_path / "out"),
        statistics=str(targets.statistics),
        schema=str(schema),
        deployed=str(targets.statistics.parent),
    )
    assert _imported(work) == {}
    outcome = next((tmp_path / "out" / "outcome").iterdir()).read_text()
    assert "drift infinity_norm of word in train is 0" in outcome


def test_the_library_is_read_as_it_is_meant_to_be():
    # A version of TFDV that cannot be read so would be imported whole, slowly and with a warning.
    whole = sys.modules.get("tensorflow_data_validation")
    assert private_tfdv.library()[private_tfdv.STATISTICS] is not sys.modules.get(
        private_tfdv.STATISTICS
    )
    assert sys.modules.get("tensorflow_data_validation") is whole


def test_no_stand_in_is_left_in_modules_that_others_import():
    program = (
        "import sys\n"
        "from kanaria.components.shared.imports.stand_ins import LeftOut\n"
        "from kanaria.components.validate import private_tfdv\n"
        "private_tfdv.library()\n"
        "held = [name for name, module in list(sys.modules.items())\n"
        "    if any(type(value) is LeftOut for value in vars(module).values())]\n"
        "assert not held, held\n"
        "import tensorflow_data_validation as tfdv, apache_beam as beam\n"
        "assert issubclass(tfdv.DetectFeatureSkew, beam.PTransform)\n"
    )
    command = [sys.executable, "-I", "-W", "ignore", "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not ended.returncode, ended.stderr[-2_000:]


def test_what_derives_from_a_framework_says_that_it_was_left_out():
    left_out = private_tfdv.library()[private_tfdv.VALIDATION].DetectFeatureSkew
    assert not isinstance(object(), left_out)
    with pytest.raises(
        ImportError, match=r"DetectFeatureSkew derives from apache_beam\.PTransform"
    ):
        left_out(identifier_features=["x"])
