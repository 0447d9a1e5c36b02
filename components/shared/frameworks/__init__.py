"""Models that are no SavedModels: scikit-learn, XGBoost, ONNX; how they lie, load and answer.

Rule: each library is imported where a model of it is loaded and nowhere else, and a model answers
here as KServe's server of its kind answers, so that steps and servers give the same numbers.
"""
