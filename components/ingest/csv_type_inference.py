"""Which CSV columns are numbers, and which are names written in digits.

A value is a number if Arrow reads it as one. A column of numbers is text all the same, since a
number would lose what tells its values apart, if

- a value has a leading zero (`01234`, `01.10`), or is hexadecimal or `nan(...)`;
- it has nothing but words (`nan`, `Inf`); or
- values have bare exponents (`1E5`, `12e3`) and none a point or a signed exponent: programs write
  floats as `100000.0`, `1e+05` or `1.0E5`.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from kanaria.components.ingest.misfit_value import MisfitError

EXACT = 2.0**53
"""Below it, a float holds every integer exactly."""
FIRST_ROWS = 1000
NAME = "^-?0[0-9xX]"
INTEGER = "^-?[0-9]+$"
PLAIN = "^-?[0-9.]+$"
WRITTEN_AS_FLOAT = r"[.]|[eE][+-]"
BARE_EXPONENT = "[0-9][eE]"
SIGNIFICANT = "^-?[0.]*[1-9]"


def trimmed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return text without the blanks around it, as in `1, 2`, which no number needs."""
    return pc.utf8_trim_whitespace(column)


def _matches(column: pa.ChunkedArray, pattern: str) -> pa.ChunkedArray:
    return pc.match_substring_regex(column, pattern)


def _has(column: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.any(_matches(column, pattern)).as_py())


def _reads_as(column: pa.ChunkedArray, kind: pa.DataType) -> bool:
    try:
        column.slice(0, FIRST_ROWS).cast(kind)  # Arrow is slow where many values do not fit.
        column.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """How values of text are written; that of no value at all tells of nothing.

    Attributes:
        is_integer: each reads as an integer of 64 bits.
        is_number: each reads as a number, be it a name or none.
        has_name: one that is a number is a name by its digits.
        has_float: one is written as floats are.
        is_digits: each has nothing but digits behind its sign.
        has_digit: one has a digit.
        has_bare_exponent: one has an exponent without a sign.
    """

    is_integer: bool = True
    is_number: bool = True
    has_name: bool = False
    has_float: bool = False
    is_digits: bool = True
    has_digit: bool = False
    has_bare_exponent: bool = False

    def merged(self, other: "Written") -> "Written":
        """Return how the values of both are written."""
        return Written(
            is_integer=self.is_integer and other.is_integer,
            is_number=self.is_number and other.is_number,
            has_name=self.has_name or other.has_name,
            has_float=self.has_float or other.has_float,
            is_digits=self.is_digits and other.is_digits,
            has_digit=self.has_digit or other.has_digit,
            has_bare_exponent=self.has_bare_exponent or other.has_bare_exponent,
        )

    @property
    def kind(self) -> pa.DataType:
        """int64, float64 or string: what the values are, of which there are some.

        A value may still be beyond the type, which `integers` and `floats` refuse.
        """
        if not self.is_number or self.has_name:
            return pa.string()
        if self.is_integer or (self.is_digits and not self.has_float):
            return pa.int64()
        is_number = self.has_float or (self.has_digit and not self.has_bare_exponent)
        return pa.float64() if is_number else pa.string()


def written(column: pa.ChunkedArray, before: Written) -> Written:
    """Return how trimmed text is written, added to what is known of values before it."""
    if not before.is_number:
        return before
    if before.is_integer and _reads_as(column, pa.int64()):
        has_name = before.has_name or _has_name(column)
        # Arrow reads hexadecimal integers, and no such floats.
        is_number = not has_name or _reads_as(column, pa.float64())
        return replace(before, is_number=is_number, has_name=has_name, has_digit=True)
    return before.merged(_written_as_no_integers(column, before))


def _written_as_no_integers(column: pa.ChunkedArray, before: Written) -> Written:
    if not _reads_as(column, pa.float64()):
        return Written(is_integer=False, is_number=False)
    written = Written(is_integer=False, has_name=before.has_name or _has_name(column))
    if written.has_name or before.has_float or _has(column, WRITTEN_AS_FLOAT):
        return replace(written, has_float=True)
    return replace(
        written,
        is_digits=whole(column),
        has_digit=_has(column, "[0-9]"),
        has_bare_exponent=_has(column, BARE_EXPONENT),
    )


def _has_name(column: pa.ChunkedArray) -> bool:
    """Tell whether one of values that read as numbers is a name."""
    # Few values begin so, and the search of a pattern is dear.
    zeros = pc.or_(pc.starts_with(column, "0"), pc.starts_with(column, "-0"))
    some = column.filter(pc.and_(zeros, pc.greater(pc.binary_length(column), 1)))
    return _has(some, NAME) or bool(pc.any(pc.match_substring(column, "(")).as_py())


def integers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return trimmed text as int64.

    Raises:
        MisfitError: an integer needs more than 64 bits.
    """
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid as error:
        raise MisfitError("beyond 64-bit integers") from error


def _check(wrong: pa.ChunkedArray, reason: str) -> None:
    if pc.any(wrong).as_py():
        raise MisfitError(reason)


def _check_range(column: pa.ChunkedArray, floats: pa.ChunkedArray) -> None:
    """Raise MisfitError if a written number is infinite, or 0, only because a float has an end."""
    # The text is searched only where a value is suspicious, which is seldom.
    infinite = column.filter(pc.is_inf(floats))
    _check(_matches(infinite, "[0-9]"), "beyond 64-bit floats")
    zero = column.filter(pc.equal(floats, 0.0))
    _check(_matches(zero, SIGNIFICANT), "too small for 64-bit floats, which make it 0")


def _check_large(column: pa.ChunkedArray, floats: pa.ChunkedArray, exact: str) -> None:
    """Raise MisfitError if a number of 2**53 and more may be rounded.

    That is one that matches `exact`, or whose digits, all written, are not those of the float.
    """
    is_large = pc.greater_equal(pc.abs(floats), EXACT)
    texts, values = column.filter(is_large), floats.filter(is_large)
    reason = "beyond what floats hold exactly, beside a float"
    _check(_matches(texts, exact), reason)
    is_plain = _matches(texts, PLAIN)
    plain = zip(texts.filter(is_plain), values.filter(is_plain), strict=True)
    if any(Decimal(text.as_py()) != Decimal(value.as_py()) for text, value in plain):
        raise MisfitError(reason)


def _floats(column: pa.ChunkedArray, exact: str) -> pa.ChunkedArray:
    """Return trimmed text as float64; what matches `exact` must be below 2**53."""
    values = column.cast(pa.float64())
    _check_range(column, values)
    _check_large(column, values, exact)
    return values


def floats(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return trimmed text as the nearest float64.

    Raises:
        MisfitError: a value is beyond floats, or is an integer that floats do not hold exactly.
    """
    return _floats(column, INTEGER)


def whole(column: pa.ChunkedArray) -> bool:
    """Tell whether each value of text of exact numbers is an integer."""
    return bool(pc.all(_matches(column, INTEGER), min_count=0).as_py())


def numerals_floats(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return text of exact numbers, of which any may have a fraction, as the nearest float64.

    Raises:
        MisfitError: a number is beyond floats, or beyond what they hold exactly.
    """
    return _floats(column, PLAIN)


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray | None:
    """Return text as Arrow reads it, None where it does not."""
    try:
        return column.cast(kind)
    except pa.ArrowInvalid:
        return None


def declared_integers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return text as int64 because somebody says so: `007`, `+5` and `3.0` are integers.

    Raises:
        MisfitError: a value is no whole decimal number, or needs more than 64 bits.
    """
    # Arrow reads most that people write, and hexadecimal numbers too; patterns are dear.
    values = _cast(column, pa.int64())
    if values is not None and not pc.any(pc.match_substring(column, "x", ignore_case=True)).as_py():
        return values
    column = trimmed(column)
    if not pc.all(_matches(column, r"^[+-]?[0-9]+(\.0*)?$"), min_count=0).as_py():
        raise MisfitError("no integer")
    return integers(pc.replace_substring_regex(column, r"^\+|\.0*$", ""))


def declared_floats(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return text as the nearest float64 because somebody says so, large integers too.

    Raises:
        MisfitError: a value is no number, or beyond floats.
    """
    values = _cast(column, pa.float64())
    if values is not None:
        _check_range(column, values)
        return values
    column = trimmed(column)
    try:
        values = pc.replace_substring_regex(column, r"^\+", "").cast(pa.float64())
    except pa.ArrowInvalid as error:
        raise MisfitError("no number") from error
    _check_range(column, values)
    return values
