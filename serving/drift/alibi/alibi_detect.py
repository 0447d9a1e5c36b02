"""alibi-detect itself behind the Protocol of this package, for who may use it (`licence`).

    its detectors             result here
    -----------------------   --------------------------------------------------------------------
    drift, by feature         its p-value and distance of each feature
    drift, of all features    its p-value and distance
    drift, online             all rows of a window one after the other, from a fresh state; there is
                              no p-value: 0 where it alarmed, else 1. The threshold is the chance
                              of a false alarm in so many rows, by its expected run time
    outlier, adversarial      Fisher's exact test of the share of rows flagged, window against
                              reference

alibi-detect knows no effect sizes, nor how many rows are enough. Its distance stands in for the
effect, any size of it matters, and any number of rows is held to be enough: what it calls drift is
drift here. Only the last kind has an effect proper.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.serving.drift.alibi import licence
from kanaria.serving.drift.detector import Columns, Effect, FeatureResult, Result
from kanaria.serving.drift.references.sorted_reference import same_features
from kanaria.serving.drift.table_columns import from_matrix, numbers_in_order, rows_of, selected
from kanaria.serving.drift.univariate import feature_tests, fisher_exact

PICKLES = (".dill", ".pickle", ".pkl", ".joblib", ".pt")
DISTANCE = "distance of alibi-detect, which has no effect size"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class AlibiReference:
    """Rows as alibi-detect takes them.

    Attributes:
        features: names of the columns.
        values: (rows, features).
    """

    features: tuple[str, ...]
    values: NDArray[Any]

    @classmethod
    def of(cls, columns: Columns) -> Self:
        """Return the rows of `columns`, which hold numbers.

        Raises:
            DataError: there are no rows, or other values.
        """
        rows_of(columns, "reference")
        values = [numbers_in_order(column, name) for name, column in columns.items()]
        return cls(features=tuple(columns), values=np.stack(values, axis=1))

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.values)

    def merged(self, other: Self) -> Self:
        """Return the rows of both."""
        same_features(dict.fromkeys(self.features), dict.fromkeys(other.features))
        values = np.concatenate([self.values, other.values])
        return type(self)(features=self.features, values=values)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all it holds as arrays."""
        return {"features": np.array(self.features, dtype=str), "values": self.values}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the reference that `arrays` came from."""
        return cls(features=tuple(arrays["features"].tolist()), values=arrays["values"])


class AlibiDetect:
    """A detector of alibi-detect.

    It keeps the one that it made for the last reference, since that may have taken minutes.
    """

    def __init__(self, detector: Any, *, accept_bsl: bool) -> None:
        """Take a detector that alibi-detect made.

        Args:
            detector: an instance of any of its detectors, fitted where it needs that.
            accept_bsl: you may use alibi-detect under its licence.

        Raises:
            ParameterError: it is not installed, or its licence was not accepted.
        """
        licence.require(accept_bsl=accept_bsl)
        self._settings = detector
        self._made: tuple[AlibiReference, Any] | None = None

    @classmethod
    def load(cls, folder: Path, *, accept_bsl: bool) -> tuple[Self, AlibiReference]:
        """Return the drift detector that `save_detector` wrote into `folder`, and its reference.

        Features are named by their position.

        Raises:
            ParameterError: alibi-detect is not installed, or its licence was not accepted.
            DataError: there is no `config.toml`, or it names pickles, whose loading runs code.
        """
        licence.require(accept_bsl=accept_bsl)
        _refuse_pickles(folder)
        from alibi_detect.saving import load_detector

        try:
            loaded = load_detector(folder)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{folder}: alibi-detect cannot load it: {shown(error)}") from error
        made = cls(loaded, accept_bsl=accept_bsl)
        reference = AlibiReference.of(from_matrix(loaded.get_config()["x_ref"]))
        made._made = (reference, loaded)
        return made, reference

    @property
    def name(self) -> str:
        """The name of the detector."""
        return f"alibi_detect.{self._settings.meta['name']}"

    def fit(self, rows: Columns) -> AlibiReference:
        """Return the reference of `rows`."""
        return AlibiReference.of(rows)

    def test(self, reference: AlibiReference, window: Columns) -> Result:
        """Return what alibi-detect says of `window`."""
        chosen = selected(window, reference.features)
        rows = AlibiReference.of(chosen).values
        sizes = (len(reference.values), len(rows))
        if self._settings.meta["detector_type"] != "drift":
            return self._flagged(reference, rows)
        detector = self._with(reference)
        rows = _shaped(rows, detector.get_config()["x_ref"])
        if self._settings.meta["online"]:
            return self._online(detector, rows, sizes)
        return self._offline(detector, rows, reference.features, sizes)

    def _with(self, reference: AlibiReference) -> Any:
        if self._made is None or self._made[0] is not reference:
            config = {k: v for k, v in self._settings.get_config().items() if k != "name"}
            values = _shaped(reference.values, config["x_ref"])
            changed = {"x_ref": values, "x_ref_preprocessed": False, "meta": {}}
            self._made = (reference, type(self._settings).from_config(config | changed))
        return self._made[1]

    def _offline(
        self, detector: Any, rows: NDArray[Any], names: tuple[str, ...], sizes: tuple[int, int]
    ) -> Result:
        prediction = detector.predict(rows)["data"]
        p_values = np.atleast_1d(np.asarray(prediction["p_val"], dtype=float))
        distances = np.atleast_1d(np.asarray(prediction["distance"], dtype=float))
        config = detector.get_config()
        settings = feature_tests.Settings(
            alpha=config.get("p_val", 0.05),
            correction=config.get("correction", "bonferroni"),
            least=0,
        )
        # A detector with a preprocessing function has features of its own.
        labels = names if len(names) == len(p_values) else tuple(map(str, range(len(p_values))))
        tests = [
            feature_tests.FeatureTest(
                feature=name if len(p_values) > 1 or len(names) == 1 else "",
                statistic=float(distance),
                p_value=float(p_value),
                effect=_effect(float(distance)),
                rows=sizes,
                significant_least=0.0,
            )
            for name, p_value, distance in zip(labels, p_values, distances, strict=True)
        ]
        return feature_tests.result(self.name, settings, tests, sizes)

    def _online(self, detector: Any, rows: NDArray[Any], sizes: tuple[int, int]) -> Result:
        detector.reset_state()
        alarmed, statistic = False, 0.0
        for row in rows:
            prediction = detector.predict(row)["data"]
            alarmed = bool(np.any(prediction["is_drift"]))
            statistic = float(
                np.max(np.nan_to_num(np.asarray(prediction["test_stat"], dtype=float)))
            )
            if alarmed:
                break
        false_alarm = -np.expm1(len(rows) * np.log1p(-1 / detector.get_config()["ert"]))
        effect = _effect(statistic)
        feature = FeatureResult(
            feature="",
            statistic=statistic,
            p_value=0.0 if alarmed else 1.0,
            threshold=float(false_alarm),
            effect=effect,
            reference_rows=sizes[0],
            window_rows=sizes[1],
            enough=True,
        )
        return Result(
            detector=self.name,
            statistic=statistic,
            p_value=feature.p_value,
            threshold=feature.threshold,
            effect=effect,
            features=(feature,),
            reference_rows=sizes[0],
            window_rows=sizes[1],
        )

    def _flagged(self, reference: AlibiReference, rows: NDArray[Any]) -> Result:
        flags = [self._flags(values) for values in (reference.values, rows)]
        test = fisher_exact.feature(
            "",
            (int(flags[0].sum()), len(flags[0])),
            (int(flags[1].sum()), len(flags[1])),
            "two-sided",
            feature_tests.Settings().least,
        )
        return feature_tests.result(self.name, feature_tests.Settings(), [test], test.rows)

    def _flags(self, rows: NDArray[Any]) -> NDArray[np.bool_]:
        data = self._settings.predict(rows)["data"]
        key = next((key for key in ("is_outlier", "is_adversarial") if key in data), None)
        if key is None:
            raise ParameterError(f"{self.name}: it flags no rows; use one that detects outliers")
        return np.asarray(data[key]).reshape(len(rows)).astype(bool)


def _shaped(rows: NDArray[Any], like: Any) -> NDArray[Any]:
    """Return rows of the shape and type of those in `like`, as images are."""
    wanted = np.asarray(like)
    # A preprocessing function may have made others of them, which then tell no shape.
    same = rows.shape[1] == np.prod(wanted.shape[1:], dtype=int)
    return (rows.reshape(len(rows), *wanted.shape[1:]) if same else rows).astype(wanted.dtype)


def _effect(distance: float) -> Effect:
    return Effect(name=DISTANCE, value=max(0.0, distance), low=0.0, high=float("inf"), least=0.0)


def _refuse_pickles(folder: Path) -> None:
    if not (folder / "config.toml").is_file():
        raise DataError(
            f"{folder}: no config.toml; what alibi-detect saved otherwise is a pickle, which runs "
            "code when it is loaded: load it yourself, and give the detector"
        )
    pickles = sorted(path.name for path in folder.rglob("*") if path.suffix in PICKLES)
    if pickles:
        raise DataError(
            f"{folder}: {shown(pickles)} are pickles, which run code when they are loaded; "
            "load the detector yourself if you trust it, and give it"
        )
