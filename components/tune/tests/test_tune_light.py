"""What tune_model loads before it calls the user's code."""

import json
import subprocess
import sys

PROGRAM = """
import json, sys
import kanaria.components.tune.{module}
print(json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""
NEVER = {
    "IPython",
    "ipywidgets",
    "keras",
    "kfp",
    "kubernetes",
    "matplotlib",
    "nltk",
    "pandas",
    "tensorflow_data_validation",
    "tensorflow_model_analysis",
}


def loaded(module: str) -> set[str]:
    command = [sys.executable, "-I", "-c", PROGRAM.format(module=module)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_no_library_is_loaded_that_a_search_does_not_use():
    libraries = loaded("lean_imports")
    assert {"tensorflow", "keras_tuner", "tf_keras"} <= libraries
    assert sorted(NEVER & libraries) == []


def test_what_a_process_of_trials_begins_with_loads_no_tensorflow():
    assert not {"tensorflow", "keras_tuner"} & loaded("trial_processes")
