"""What the warm process imports: the modules of the computing steps, and so TensorFlow, TFT, TFMA.

It does so in stages, in the order in which the steps of a run need them; a step is forked as soon
as its own stage is there. The modules are imported by their names: the layers below know nothing of
this process.
"""

import gc
import logging
import sys
from importlib import import_module

from kanaria.components.shared.imports import file_pages, training

EXECUTOR = "kfp.dsl.executor"
LOG_FORMAT = "[KFP Executor %(asctime)s %(levelname)s]: %(message)s"


def transform_and_train() -> None:
    """Import TensorFlow and TFT.

    Logging is set up first, as kfp's executor does it: libraries ask for it when imported.
    """
    logging.basicConfig(stream=sys.stdout, format=LOG_FORMAT, level=logging.INFO)
    import_module(EXECUTOR)
    training.load("tensorflow", "tensorflow_transform", "apache_beam")
    _modules("transform.transform", "train.train")


def evaluate() -> None:
    """Import TFMA."""
    training.load()
    _modules("evaluate.evaluate", "evaluate.bless")
    file_pages.release()


STAGES = (transform_and_train, evaluate)


def _modules(*names: str) -> None:
    """Import modules, and leave all objects where forks share them."""
    for name in names:
        import_module(f"kanaria.components.{name}")
    gc.collect()
    gc.freeze()
