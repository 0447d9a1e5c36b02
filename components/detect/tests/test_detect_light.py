"""The drift steps load none of the large libraries, at work too."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HEAVY = ("IPython", "apache_beam", "kfp", "matplotlib", "pandas", "tensorflow")
PROGRAM = """
import sys
from pathlib import Path
from kanaria.components.detect.detect import DetectRequest, Targets, detect
from kanaria.components.detect.fit import FitRequest, fit

out, examples, heavy = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
fit(FitRequest(examples=examples, schema=out), out / "detector")
targets = Targets(outcome=out / "outcome", drift=out / "drift", report=out / "report.html")
detect(DetectRequest(examples=examples, detector=out / "detector"), targets)
print(*(name for name in heavy if sys.modules.get(name) is not None))
"""


def test_fitting_and_detecting_load_no_large_library(tmp_path: Path):
    folder = tmp_path / "examples" / "split=train"
    folder.mkdir(parents=True)
    columns = {"fare": [float(i % 17) for i in range(300)], "way": ["cash", "card", None] * 100}
    pq.write_table(pa.table(columns), folder / "part-00000.parquet")
    (tmp_path / "schema.pbtxt").write_text("")
    command = [sys.executable, "-I", "-c", PROGRAM, tmp_path, tmp_path / "examples", *HEAVY]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not ended.returncode, ended.stderr
    assert ended.stdout.split() == []
    assert (tmp_path / "drift" / "drift.json").is_file()
