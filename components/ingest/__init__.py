"""ingest_data: files or a SQL query become typed examples, one folder a split.

Rule: Arrow, the ADBC drivers and TFX's coders of tf.Example, but no TensorFlow, so that the step
starts at once. A whole table is held in memory.
"""
