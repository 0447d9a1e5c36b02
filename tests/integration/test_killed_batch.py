"""`kanaria predict`, killed while it scores, goes on and leaves every row once."""

import json
import subprocess
import time
from pathlib import Path

import pgserver
import pytest
from pg8000.dbapi import connect
from workspace import KANARIA

from kanaria.components.shared.step_images import TRAINING_IMAGE
from kanaria.pipelines.local.runtime_python import python_of
from kanaria.serving.traffic.local_traffic import LocalTraffic

ROWS, CHUNK = 40_000, 500
MAKER = Path(__file__).with_name("killed_batch_model.py")
READER = """
import json, sys, pyarrow.parquet as pq
rows = [row for file in sorted(sys.argv[1:]) for row in pq.read_table(file).to_pylist()]
names = ("row_id", "ride", "score", "where", "both")
print(json.dumps([[row[name] for name in names] for row in rows]))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Return a folder with a release and two files of rides."""
    folder = tmp_path_factory.mktemp("batch")
    python = python_of(TRAINING_IMAGE)
    subprocess.run([python, "-I", MAKER, folder / "release"], check=True, capture_output=True)
    (folder / "data").mkdir()
    for number in range(2):
        first = number * ROWS // 2
        lines = [
            f"{n},{n % 997 / 4},{'Köln' if n % 3 else ''}" for n in range(first, first + ROWS // 2)
        ]
        (folder / "data" / f"{number}.csv").write_text("\n".join(["ride,amount,city", *lines]))
    return folder


def wanted() -> list[list]:
    """Return every row as the model answers it, worked out by hand."""
    rows = []
    for n in range(ROWS):
        amount, name = n % 997 / 4, f"{n // (ROWS // 2)}.csv:{n % (ROWS // 2) + 1}"
        rows.append([name, n, amount * 2 + 1, "Köln" if n % 3 else "", [amount, amount]])
    return rows


def command(home: Path, output: str) -> list[str]:
    words = ["predict", "--model", str(home / "release"), "--data", f"{home}/data/*.csv"]
    words += ["--output", output, "--keep", "ride", "--chunk-rows", str(CHUNK)]
    return [str(KANARIA), *words, "--root", str(home / "root")]


def kill_when(words: list[str], has_begun) -> None:
    """Start a command, and kill it with 9 in the middle of its work."""
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
        while not has_begun():
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    time.sleep(1)  # Its guard kills the step.


def resumed(words: list[str]) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def before(text: str) -> int:
    """Return how many rows the command says were there."""
    line = next(line for line in text.splitlines() if "scored in" in line)
    return int(line.partition(" chunks, ")[2].partition(" of them")[0].replace(",", ""))


def test_a_killed_batch_into_a_folder_goes_on(home):
    output = home / "scores"
    words = command(home, str(output))
    kill_when(words, lambda: len(list(output.glob("part-*"))) >= 3)
    assert not (output / "_SUCCESS").exists()
    ended = len(list(output.glob("part-*")))

    text = resumed(words)

    assert 0 < ended * CHUNK <= before(text) < ROWS
    files = sorted(map(str, output.glob("part-*")))
    read = [python_of(TRAINING_IMAGE), "-I", "-c", READER, *files]
    assert json.loads(subprocess.run(read, check=True, capture_output=True).stdout) == wanted()
    assert before(resumed(words)) == ROWS


def test_a_killed_batch_into_a_table_goes_on(home, tmp_path):
    server = pgserver.get_server(tmp_path / "postgresql")
    try:
        words = command(home, f"{server.get_uri()}#scores")
        socket = str(tmp_path / "postgresql" / ".s.PGSQL.5432")

        def answer(query: str) -> list:
            with connect(user="postgres", unix_sock=socket, ssl_context=False) as connection:
                cursor = connection.cursor()
                cursor.execute(query)
                return list(cursor.fetchall())

        def has_begun() -> bool:
            there = "SELECT count(*) FROM pg_class WHERE relname = 'kanaria_scored'"
            return answer(there)[0][0] and answer("SELECT count(*) FROM kanaria_scored")[0][0] >= 3

        kill_when(words, has_begun)
        chunks = answer("SELECT count(*) FROM kanaria_scored WHERE chunk >= 0")[0][0]
        text = resumed(words)
        assert 0 < before(text) < ROWS
        assert before(text) >= chunks * CHUNK
        query = 'SELECT row_id, ride, score, "where", "both" FROM scores ORDER BY ride'
        assert [list(row) for row in answer(query)] == wanted()
    finally:
        server.cleanup()


def test_the_live_release_of_a_service_of_this_machine_scores(home, tmp_path):
    manifest, state = tmp_path / "rides.yaml", tmp_path / "serving"
    model = {"modelFormat": {"name": "tensorflow"}, "storageUri": str(home / "release" / "model")}
    service = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "rides"},
        "spec": {"predictor": {"model": model}},
    }
    manifest.write_text(json.dumps(service))
    words = [str(KANARIA), "serve", str(manifest), "--state", str(state), "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            with LocalTraffic(state) as traffic:
                while not (status := traffic.observe("default", "rides")) or not status.rolled_out:
                    assert server.poll() is None
                    time.sleep(0.1)
        finally:
            server.terminate()
    output = tmp_path / "scores"
    words = [str(KANARIA), "predict", "--service", "rides", "--state", str(state)]
    words += ["--data", f"{home}/data/0.csv", "--output", str(output)]
    assert f"{ROWS // 2:,} rows scored in 1 chunk" in resumed([*words, "--root", str(tmp_path)])
    assert json.loads((output / "_kanaria.json").read_text())["chunk_rows"] == 100_000
