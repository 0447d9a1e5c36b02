"""From Prometheus' text format to samples by name. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from kanaria.components.shared.errors import DataError, shown


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples of one scrape, by name."""

    by_name: Mapping[str, list[Sample]]

    def of(self, name: str, **labels: str) -> Iterator[Sample]:
        """Yield the samples of a name that have these labels."""
        for sample in self.by_name.get(name, ()):
            if all(sample.labels.get(key) == value for key, value in labels.items()):
                yield sample

    def value(self, name: str, **labels: str) -> float | None:
        """Return the value of the first such sample; None where there is none."""
        return next((sample.value for sample in self.of(name, **labels)), None)


NOTHING = Samples({})


def parsed(text: str) -> Samples:
    """Return the samples of a scrape.

    Raises:
        DataError: the text is not in Prometheus' text format.
    """
    by_name: dict[str, list[Sample]] = defaultdict(list)
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                by_name[sample.name].append(sample)
    except (ValueError, KeyError, IndexError, OverflowError) as error:
        raise DataError(f"not metrics in Prometheus' text format: {shown(text)}") from error
    return Samples(dict(by_name))
