"""TensorFlow, TFT and TFMA without what they import and no step of a training uses.

Of 6,800 modules some 3,100 are put off: clients of Google Cloud, drivers of stores, IPython,
pandas, parts of scipy, Keras 3 beside tf_keras. What a user's module imports
itself is imported as ever.
"""

import importlib
import logging
import os
import sys

from kanaria.components.shared.imports import lazy

LIBRARIES = ("tensorflow", "tensorflow_transform", "tensorflow_model_analysis")
PLAN = lazy.Plan(
    modules=(
        "IPython",
        "apache_beam.io.aws.s3io",
        "apache_beam.io.gcp.bigquery",
        "apache_beam.io.gcp.gcsio",
        "apache_beam.io.gcp.pubsub",
        "apache_beam.io.mongodbio",
        "apache_beam.typehints.pandas_type_compatibility",
        "apitools.base.py.credentials_lib",
        "beartype.door",
        "google.api_core",
        "googleapiclient.discovery",
        "googleapiclient.http",
        "h5py",
        "ipywidgets",
        "keras",
        "nltk",
        "oauth2client",
        "pandas",
        "pydot",
        "requests",
        "rouge_score.rouge_scorer",
        "rouge_score.tokenizers",
        "scipy.linalg",
        "scipy.ndimage",
        "scipy.sparse",
        "scipy.stats",
        "tensorflow_model_analysis.notebook.visualization",
    ),
    names={
        "beartype.door": ("is_subhint",),
        "google.api_core.exceptions": ("GoogleAPICallError",),
        "oauth2client.client": ("GoogleCredentials", "HttpAccessTokenRefreshError"),
        "pandas": ("DataFrame", "Index", "MultiIndex", "Series", "read_csv", "read_json"),
        "pydot": ("Dot", "Node"),
        "rouge_score.tokenizers": ("Tokenizer",),
        "scipy.sparse": ("issparse",),
        "tensorflow_model_analysis.notebook.visualization": (
            "PlotViewer",
            "SlicingMetricsViewer",
            "TimeSeriesViewer",
        ),
    },
    constants={
        "apache_beam.io.aws.s3io": {"MAX_BATCH_OPERATION_SIZE": 100},
        "apache_beam.io.gcp.gcsio": {"MAX_BATCH_OPERATION_SIZE": 100},
    },
    exported={
        "apache_beam.io.gcp.bigquery": "apache_beam.io",
        "apache_beam.io.gcp.pubsub": "apache_beam.io",
        "apache_beam.io.mongodbio": "apache_beam.io",
        "apache_beam.typehints.pandas_type_compatibility": "apache_beam.typehints",
        "apitools.base.py.credentials_lib": "apitools.base.py",
    },
    followers={"pandas": "apache_beam.typehints.pandas_type_compatibility"},
)

log = logging.getLogger(__name__)


def load(*libraries: str) -> None:
    """Import libraries, if they are not there yet; they are whole, but load parts when used.

    Call it before anything else imports one of them. Where a library has changed so much that this
    cannot be done, it is imported as ever and the log says so.

    Args:
        libraries: their names; none for TensorFlow, TFT and TFMA.
    """
    # TFT asks for tf_keras as it is imported; asked before TensorFlow is, Keras 3 is not loaded.
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    names = libraries or LIBRARIES
    try:
        with lazy.deferred(PLAN):
            for name in names:
                _import_whole(name)
    except (ImportError, AttributeError, TypeError) as error:
        log.warning("importing all that %s import, as parts are needed: %s", names, error)
        for name in names:
            _import_whole(name)


def _import_whole(name: str) -> None:
    """Import a library, or raise ImportError.

    TFMA writes what it cannot import to the standard error, and goes on without a part of itself.
    """
    if not hasattr(importlib.import_module(name), "__version__"):
        del sys.modules[name]
        raise ImportError(f"{name} was not imported whole")
