"""The TFX names that user modules import, for a machine where TFX is not installed.

`supported_names` has the names, `finder` makes them importable, `missing_names` tells at once
which names a module will ask for in vain. A real TFX is never hidden. Nothing here imports
TensorFlow by itself.
"""

from kanaria.components.shared.tfx_names.arguments import DataAccessor, FnArgs
from kanaria.components.shared.tfx_names.finder import install, is_in_use
from kanaria.components.shared.tfx_names.supported_names import MissingNameError

__all__ = ["DataAccessor", "FnArgs", "MissingNameError", "install", "is_in_use"]
