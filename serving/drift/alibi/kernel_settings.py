"""What alibi-detect's detectors with kernels are told, in its words and in ours.

The rest of a configuration is the business of its own program: the device, the backend (all of them
compute the same), and how permutations are batched.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kanaria.components.shared.errors import DataError
from kanaria.serving.drift.multivariate.least_squares_density_difference import (
    LeastSquaresDensityDifference,
)
from kanaria.serving.drift.multivariate.maximum_mean_discrepancy import MaximumMeanDiscrepancy

KernelDetector = MaximumMeanDiscrepancy | LeastSquaresDensityDifference
NAMES: Mapping[str, type[KernelDetector]] = {
    "MMDDrift": MaximumMeanDiscrepancy,
    "LSDDDrift": LeastSquaresDensityDifference,
}
ABSENT = "None"
"""How alibi-detect writes None in TOML."""


def settings(config: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the settings of the detector that `config`, found in `folder`, describes.

    Raises:
        DataError: its kernel is not the Gaussian one, or depends on the window.
    """
    sigma = config.get("sigma", ABSENT)
    if config.get("kernel", ABSENT) != ABSENT:
        raise DataError(f"{folder}: it has a kernel of its own; give sigma in its place")
    if sigma == ABSENT and not config.get("configure_kernel_from_x_ref", True):
        raise DataError(
            f"{folder}: configure_kernel_from_x_ref=False takes the bandwidth from each window, "
            "which spoils the permutation test; give sigma, or take it from the reference"
        )
    parameters = {
        "alpha": config.get("p_val", 0.05),
        "permutations": config.get("n_permutations", 100),
        "sigma": () if sigma == ABSENT else tuple(np.ravel(sigma).tolist()),
    }
    if config["name"] == "MMDDrift":
        return parameters | {"scaled": False}
    centres = config.get("n_kernel_centers", ABSENT)
    return parameters | {
        "centres": None if centres == ABSENT else centres,
        "most_change": config.get("lambda_rd_max", 0.2),
    }
