"""The pipeline of docs/how-to/tune.md, typed out and run: what was best trains the model."""

import json
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/how-to/tune.md"
BIN = Path(sys.executable).parent


def typed_out(folder: Path) -> None:
    """Write the blocks of Python of the page, each into the file that its first line names."""
    for name, code in re.findall(r"```python\n# ([\w.]+)(.*?)```", PAGE.read_text(), re.DOTALL):
        (folder / name).write_text(f"#{code}")
    rows = [place / 200 for place in range(200)]
    lines = ["x,y", *(f"{x},{3 * x - 1}" for x in rows)]
    (folder / "data.csv").write_text("\n".join(lines))


def test_the_documented_pipeline_trains_with_what_it_tuned(tmp_path: Path):
    typed_out(tmp_path)
    commands = [
        [BIN / "python", "tune_line.py"],
        [
            *(BIN / "kanaria", "run", "tune_line.yaml", "--root", "root"),
            *("--set", "data=data.csv", "--set", "module_file=line.py"),
            *("--set", "max_trials=4", "--set", "parallel_trials=2"),
        ],
    ]
    for command in commands:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    results = [*(tmp_path / "root").rglob("tuner_results.json")]
    assert results
    tuned = json.loads(results[0].read_text())
    assert [trial["status"] for trial in tuned["trials"]] == ["COMPLETED"] * 4
    best = next(t for t in tuned["trials"] if t["trial_id"] == tuned["best_trial"])
    assert best["score"] == min(trial["score"] for trial in tuned["trials"])
    assert best["hyperparameters"]["learning_rate"] > 1e-3  # The default is 1e-5.
    file = next((tmp_path / "root").rglob("best_hyperparameters.txt"))
    config = json.loads(file.read_text())
    assert config["values"] == best["hyperparameters"]
    records = [path.read_text() for path in (tmp_path / "root").rglob("*.json")]
    used = f'"learning_rate": {best["hyperparameters"]["learning_rate"]}'
    models = [text for text in records if '"signatures"' in text and used in text]
    assert models, "no model's metadata names the rate that was best"
