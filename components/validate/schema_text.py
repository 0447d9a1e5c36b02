"""What the schema in force says of a feature, in a few words. Pure."""

from collections.abc import Iterable

from tensorflow_metadata.proto.v0 import schema_pb2

from kanaria.components.shared.html_report.cells import cut

MOST_VALUES = 4
MOST_LETTERS = 20


def _presence(feature: schema_pb2.Feature) -> str:
    presence = feature.presence
    if presence.min_fraction:
        share = f"{presence.min_fraction:.4g}"
        return "required" if presence.min_fraction == 1 else f"in at least {share} of the rows"
    return "optional" if feature.HasField("presence") else ""


def _lengths(feature: schema_pb2.Feature) -> str:
    which = feature.WhichOneof("shape_type")
    if which == "shape":
        sizes = [dimension.size for dimension in feature.shape.dim]
        return f"shape {' × '.join(map(str, sizes))}" if sizes not in ([], [1]) else "one value"
    if which == "value_count":
        low, high = feature.value_count.min, feature.value_count.max
        if low == high == 1:
            return "one value"
        return f"{low} to {high} values" if high else f"at least {low} values"
    return "nested lists" if which else ""


def _values(values: Iterable[str]) -> str:
    listed = list(values)
    shown = ", ".join(repr(cut(value, MOST_LETTERS)) for value in listed[:MOST_VALUES])
    return f"one of {shown}" + (
        f" and {len(listed) - MOST_VALUES} more" * (len(listed) > MOST_VALUES)
    )


def _range(domain: schema_pb2.IntDomain | schema_pb2.FloatDomain) -> str:
    low = f"from {domain.min:.6g}" if domain.HasField("min") else ""
    high = f"to {domain.max:.6g}" if domain.HasField("max") else ""
    kind = "categorical" if domain.is_categorical else ""
    return " ".join(filter(None, (kind, low, high)))


def _domain(feature: schema_pb2.Feature, shared: dict[str, list[str]]) -> str:
    which = feature.WhichOneof("domain_info")
    if which in ("int_domain", "float_domain"):
        return _range(getattr(feature, which))
    if which == "string_domain":
        return _values(feature.string_domain.value)
    if which == "domain" and feature.domain in shared:
        return _values(shared[feature.domain])
    return which.replace("_", " ") if which else ""


def of_features(schema: schema_pb2.Schema) -> dict[str, str]:
    """Return feature -> its type, presence, lengths and domain."""
    shared = {domain.name: list(domain.value) for domain in schema.string_domain}
    return {
        feature.name: ", ".join(
            filter(
                None,
                (
                    schema_pb2.FeatureType.Name(feature.type).lower() if feature.type else "",
                    _presence(feature),
                    _lengths(feature),
                    _domain(feature, shared),
                ),
            )
        )
        for feature in schema.feature
    }
