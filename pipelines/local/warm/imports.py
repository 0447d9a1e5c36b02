"""What the warm process imports: the modules of the computing steps, and so TensorFlow, TFT, TFMA.

They are imported by their names, since the runner's environment has none of them.
"""

import gc
import logging
import sys
from importlib import import_module

from kanaria.components.shared.imports import training

LIBRARIES = (*training.LIBRARIES, "apache_beam")
MODULES = (
    "kfp.dsl.executor",
    "kanaria.components.transform.transform",
    "kanaria.components.train.train",
    "kanaria.components.evaluate.evaluate",
    "kanaria.components.evaluate.bless",
)
LOG_FORMAT = "[KFP Executor %(asctime)s %(levelname)s]: %(message)s"


def all_of_them() -> None:
    """Import the modules, and leave their objects where forks share them.

    Logging is set up first, as kfp's executor does it: libraries ask for it when imported.
    """
    logging.basicConfig(stream=sys.stdout, format=LOG_FORMAT, level=logging.INFO)
    training.load(*LIBRARIES)
    for name in MODULES:
        import_module(name)
    gc.collect()
    gc.freeze()
