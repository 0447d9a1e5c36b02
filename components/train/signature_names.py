"""Names of features as names of a signature's inputs.

TensorFlow gives an input the name of a node of the graph and of a Python parameter, so it cannot
write most names that a column may have: "hours per week", "class", "나이". Such an input is saved
under another name, and what the saved model calls it is then set right: the format itself holds
any text.

Source: TensorFlow 2.16, saved_model.proto, meta_graph.proto (SignatureDef) and
saved_object_graph.proto (SavedBareConcreteFunction).
"""

import keyword
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from tensorflow.core.protobuf import saved_model_pb2

from kanaria.components.shared.errors import ParameterError, shown

NODE = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*")
SIGNATURE, FILE, CHECKSUM = "serving_default", "saved_model.pb", "fingerprint.pb"


def _parameter(name: str) -> str:
    """Return the name of the Python parameter by which TensorFlow knows an input."""
    swapped = "".join(letter if letter.isalnum() else "_" for letter in name)
    return swapped if swapped[:1].isalpha() else f"arg_{swapped}"


def writable(names: Iterable[str]) -> dict[str, str]:
    """Return for each name of a feature the name under which TensorFlow can save the input.

    Raises:
        ParameterError: TensorFlow could not be asked for two of the names in one call.
    """
    ordered = sorted(names)
    count = Counter(map(_parameter, ordered))
    refused = [name for name in ordered if name == "self" or count[_parameter(name)] > 1]
    if refused:
        raise ParameterError(
            f"export_model: columns {shown(refused)}: TensorFlow tells names apart by their "
            "letters and digits alone, and knows `self` as its own; rename the columns"
        )
    prefix = "feature"
    while any(parameter.startswith(prefix) for parameter in count):
        prefix += "_"
    # Two nodes of a graph differ in more than in capital letters.
    alike = Counter(name.lower() for name in ordered)
    return {
        name: name if alike[name.lower()] == 1 and _is_writable(name) else f"{prefix}_{number}"
        for number, name in enumerate(ordered)
    }


def _is_writable(name: str) -> bool:
    return bool(NODE.fullmatch(name)) and not keyword.iskeyword(_parameter(name))


def restore(folder: Path, saved: Mapping[str, str]) -> None:
    """Give the inputs of a saved model's `serving_default` their features' names.

    Args:
        folder: of the SavedModel.
        saved: name of a feature -> the name its input was saved under.
    """
    names = {alias: name for name, alias in saved.items() if alias != name}
    if not names:
        return
    path = folder / FILE
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for graph in model.meta_graphs:
        inputs = graph.signature_def[SIGNATURE].inputs
        for alias, name in names.items():
            inputs[name].CopyFrom(inputs.pop(alias))
        for node in graph.object_graph_def.nodes:  # What `tf.saved_model.load` reads.
            if node.WhichOneof("kind") == "bare_concrete_function":
                keywords = node.bare_concrete_function.argument_keywords
                keywords[:] = [names.get(word, word) for word in keywords]
    path.write_bytes(model.SerializeToString(deterministic=True))
    # It is a checksum of the file as it was; TensorFlow writes none where it cannot.
    (folder / CHECKSUM).unlink(missing_ok=True)
