"""transform_data: the user's preprocessing_fn becomes a TFT graph and transformed examples.

Rule: an analysis (`analysis`, or `beam_engine` on Beam) writes the graph, `materialize` applies
it; neither knows the other.
"""
