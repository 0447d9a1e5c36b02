"""What the warm process imports: the modules of the computing steps, and so TensorFlow, TFT, TFMA.

The modules are imported by their names: the layers below know nothing of this process.
"""

import gc
import logging
import sys
from importlib import import_module

from kanaria.components.shared import file_pages
from kanaria.components.shared.imports import training

EXECUTOR = "kfp.dsl.executor"
MODULES = (
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
    import_module(EXECUTOR)
    training.load()
    for name in MODULES:
        import_module(name)
    gc.collect()
    gc.freeze()
    file_pages.release()
