"""Makes the saved graph a function of the data and the user's code alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tensorflow.core.protobuf import saved_model_pb2

from kanaria.components.transform import private_tft


def _nodes(saved_model: Any) -> Iterator[Any]:
    for meta_graph in saved_model.meta_graphs:
        yield from meta_graph.graph_def.node
        for function in meta_graph.graph_def.library.function:
            yield from function.node_def


def _sort_functions(saved_model: Any) -> None:
    """Put the nodes of each function in the order of their names.

    TensorFlow writes independent nodes in an order that differs between processes; nodes name
    their inputs, so the order means nothing.
    """
    for meta_graph in saved_model.meta_graphs:
        for function in meta_graph.graph_def.library.function:
            nodes = sorted(function.node_def, key=lambda node: node.name)
            del function.node_def[:]
            function.node_def.extend(nodes)


def forget_folder(saved_model: Path, folder: Path) -> None:
    """Remove the name of a temporary `folder` from the SavedModel, and the order of its nodes.

    TFT names each vocabulary's table after the temporary file it first stood in, which would
    make every run's graph, and so every model trained on it, a new one. The shorter name stays
    unique within the graph, and TensorFlow adds a suffix of its own for each graph it loads.
    TensorFlow numbers its functions through a process, so equal bytes need a fresh process.
    """
    path = saved_model / "saved_model.pb"
    content = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    # The name holds the folder as Python shows bytes, so a letter outside ASCII is escaped.
    shown_folder = repr(str(folder).encode())[2:-1].encode()
    for node in _nodes(content):
        if "shared_name" in node.attr:
            name = node.attr["shared_name"]
            name.s = name.s.replace(shown_folder, b"")
    _sort_functions(content)
    path.write_bytes(content.SerializeToString(deterministic=True))
    private_tft.write_fingerprint(saved_model)
