"""transform_data: the user's preprocessing_fn becomes a TFT graph and transformed examples.

Rule: an engine analyses (`beam_engine`), `materialize` applies the saved graph; neither knows
the other.
"""
