"""The numbers of one feature in one data set, as Facets' overview names them. Pure."""

from dataclasses import dataclass

from tensorflow_metadata.proto.v0 import statistics_pb2

from kanaria.components.validate.histograms import Feature, common_statistics


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What every type of feature has.

    Attributes:
        present: rows with a value.
        missing: rows without.
        shortest: fewest values in a row that has some; likewise `longest`.
        mean_length: mean number of values in a row that has some.
    """

    present: int
    missing: int
    shortest: int
    longest: int
    mean_length: float

    @property
    def missing_percent(self) -> float:
        """Return the share of rows without a value, 0 to 100."""
        rows = self.present + self.missing
        return 100 * self.missing / rows if rows else 100.0

    @property
    def lengths(self) -> str:
        """Return the lengths of its lists as text."""
        if self.shortest == self.longest:
            return str(self.longest)
        return f"{self.shortest} to {self.longest}, mean {self.mean_length:.3g}"


def counts(feature: Feature) -> Counts:
    """Return what every type of feature has."""
    common = common_statistics(feature)
    return Counts(
        present=common.num_non_missing,
        missing=common.num_missing,
        shortest=common.min_num_values,
        longest=common.max_num_values,
        mean_length=common.avg_num_values,
    )


def type_name(feature: Feature) -> str:
    """Return the type, for instance "float"."""
    return statistics_pb2.FeatureNameStatistics.Type.Name(feature.type).lower()


def is_numeric(feature: Feature) -> bool:
    """Tell whether its values are numbers that TFDV does not count one by one."""
    return feature.WhichOneof("stats") == "num_stats"


def number_cells(feature: Feature) -> list[object]:
    """Return mean, deviation, share of zeros in percent, least value, median and greatest value."""
    numbers, rows = feature.num_stats, counts(feature)
    if not rows.present:
        return [None] * 6
    values = common_statistics(feature).tot_num_values or rows.present
    zeros = round(100 * numbers.num_zeros / values, 3)
    return [numbers.mean, numbers.std_dev, zeros, numbers.min, numbers.median, numbers.max]


def text_cells(feature: Feature) -> list[object]:
    """Return distinct values, most frequent value, its count, and mean length in characters."""
    which = feature.WhichOneof("stats")
    if which == "string_stats" and counts(feature).present:
        texts = feature.string_stats
        top = texts.top_values[0] if texts.top_values else None
        value, count = (top.value, int(top.frequency)) if top else (None, None)
        return [texts.unique, value, count, texts.avg_length]
    if which == "bytes_stats" and counts(feature).present:
        return [feature.bytes_stats.unique or None, None, None, feature.bytes_stats.avg_num_bytes]
    return [None] * 4
