"""explain_model: which raw features a model's answers come from, over all rows and over slices.

Rule: the features are those that users send; every explained row adds up, or the step fails.
"""
