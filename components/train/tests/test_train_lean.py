"""What train_model loads before it calls the user's code."""

import json
import subprocess
import sys

PROGRAM = """
import json, sys
import kanaria.components.train.lean_imports
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""
NEVER = {
    "IPython",
    "ipywidgets",
    "keras",
    "matplotlib",
    "nltk",
    "pandas",
    "tensorflow_data_validation",
    "tensorflow_model_analysis",
}


def test_no_library_is_loaded_that_a_training_does_not_use():
    done = subprocess.run([sys.executable, "-I", "-c", PROGRAM], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert {"tensorflow", "tensorflow_transform"} <= loaded
    assert sorted(NEVER & loaded) == []
