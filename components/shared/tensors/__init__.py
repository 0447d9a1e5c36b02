"""Parquet rows as the tensors and tf.Examples that TFX would give for a schema.

Rule: the one room of the shared layer that needs the training runtime (tfx_bsl); transform,
train and evaluate use it. Private names of tfx_bsl are imported here and nowhere else.
"""
