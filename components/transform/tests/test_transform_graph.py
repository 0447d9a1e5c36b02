import re

import tensorflow as tf
import tensorflow_transform as tft

from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.transform.transform import transform


def raw_row(carrier):
    no_ids = tf.zeros([0, 2], tf.int64)
    return {
        "id": tf.constant([[1]], tf.int64),
        "miles": tf.constant([[5.0]]),
        "carrier": tf.constant([[carrier]]),
        "hour": tf.SparseTensor(no_ids, tf.zeros([0], tf.int64), [1, 0]),
        "tags": tf.SparseTensor(no_ids, tf.zeros([0], tf.string), [1, 0]),
    }


def test_tft_loads_the_graph_with_its_vocabularies_and_both_schemas(done):
    output = tft.TFTransformOutput(str(done / "graph"))
    assert sorted(output.raw_feature_spec()) == ["carrier", "hour", "id", "miles", "tags"]
    assert output.vocabulary_size_by_name("vocab_compute_and_apply_vocabulary_vocabulary") == 4
    assert isinstance(output.transformed_feature_spec()["tags_index"], tf.io.VarLenFeature)


def test_the_graph_carries_the_bucket_count_from_custom_config(done):
    schema = tft.TFTransformOutput(str(done / "graph")).transformed_metadata.schema
    domains = {feature.name: feature.int_domain for feature in schema.feature}
    assert (domains["miles_bucket"].min, domains["miles_bucket"].max) == (0, 4)


def test_the_graph_names_no_folder_of_this_machine(done):
    graph = (done / "graph/transform_fn/saved_model.pb").read_bytes()
    assert b"tftransform_tmp" in graph  # Else this test looks for the wrong thing.
    assert not re.search(rb"[^']/tftransform_tmp", graph)


def test_the_same_inputs_give_the_same_bytes_in_another_process_and_folder(
    raw, alone, transform_alone, tmp_path
):
    transform_alone(raw / "examples", tmp_path / "bé")
    assert fingerprint.of_tree(alone) == fingerprint.of_tree(tmp_path / "bé")


def test_graphs_in_one_process_keep_their_own_vocabularies(
    done, request_for, add_part, make_rows, tmp_path
):
    columns = make_rows(0, 20) | {"carrier": ["ZZ"] * 20}
    add_part(tmp_path / "examples", "train", columns)
    request = request_for(examples=tmp_path / "examples", materialize=False)
    transform(request, tmp_path / "graph", tmp_path / "transformed")
    layers = [
        tft.TFTransformOutput(str(folder / "graph")).transform_features_layer()
        for folder in (done, tmp_path)
    ]
    in_vocabulary, unknown = layers[0](raw_row("ZZ")), layers[1](raw_row("ZZ"))
    assert in_vocabulary["carrier_index"].numpy().tolist() == [[4]]  # Out of four words.
    assert unknown["carrier_index"].numpy().tolist() == [[0]]
