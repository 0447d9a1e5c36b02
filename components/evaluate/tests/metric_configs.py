"""Metrics and slices of EvalConfigs as text, for the tests of all engines."""


def metrics(*names: str) -> str:
    return " ".join(
        f"metrics {{ {name} }}" if ":" in name else f'metrics {{ class_name: "{name}" }}'
        for name in names
    )


def with_options(name: str, options: str) -> str:
    return f"class_name: \"{name}\" config: '{options}'"


SLICES = """
slicing_specs { feature_keys: "town" }
slicing_specs { feature_keys: ["town", "hour"] }
slicing_specs { feature_keys: "share" }
slicing_specs { feature_values { key: "town" value: "AA" } }
"""
BINARY = metrics(
    "ExampleCount",
    "WeightedExampleCount",
    "AUC",
    "AUCPrecisionRecall",
    "BinaryAccuracy",
    "Precision",
    "Recall",
    "Calibration",
    "MeanLabel",
    "MeanPrediction",
    "MeanSquaredError",
    "MeanAbsoluteError",
    "BinaryCrossEntropy",
    "CoefficientOfDiscrimination",
    "RelativeCoefficientOfDiscrimination",
    "SquaredPearsonCorrelation",
    "CalibrationPlot",
    "ConfusionMatrixPlot",
    with_options("ConfusionMatrixAtThresholds", '"thresholds": [0.2, 0.5]'),
    with_options("SensitivityAtSpecificity", '"specificity": 0.5'),
    with_options("Precision", '"thresholds": [0.3], "name": "precision_at_3"'),
)
# Kind of model -> metric -> its options.
OF_KERAS = {
    "binary": {"BinaryCrossentropy": "", "RootMeanSquaredError": "", "LogCoshError": ""},
    "classes": {"SparseCategoricalAccuracy": "", "SparseCategoricalCrossentropy": ""},
    "several": {"CategoricalAccuracy": "", "CategoricalHinge": ""},
    # TensorFlow ranks numbers of 32 bits alone.
    "ranked": {"TopKCategoricalAccuracy": '"k": 2, '},
}


def of_keras(kind: str, dtype: str = "float32") -> str:
    """Return Keras metrics of a kind of model that add up in a type of numbers."""
    of_kind = OF_KERAS[kind].items()
    return metrics(*(with_options(name, f'{more}"dtype": "{dtype}"') for name, more in of_kind))
