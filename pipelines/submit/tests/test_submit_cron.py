import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.shared.errors import ParameterError
from kanaria.pipelines.submit.cron import DAYS, FIELDS, MONTHS, six_fields

LIMITS = [(place.low, place.high) for place in FIELDS]


@st.composite
def items(draw: st.DrawFn, low: int, high: int) -> str:
    first = draw(st.integers(low, high))
    last = draw(st.integers(first, high))
    step = draw(st.integers(1, 90))
    forms = ["*", "?", f"{first}", f"{first}-{last}", f"*/{step}", f"{first}-{last}/{step}"]
    return draw(st.sampled_from([*forms, f"{first}/{step}"]))


def field(low: int, high: int) -> st.SearchStrategy[str]:
    return st.lists(items(low, high), min_size=1, max_size=3).map(",".join)


# Days up to 28 are in every month, so none of these never happens.
five = st.tuples(*(field(low, min(high, 59 if high == 59 else high)) for low, high in LIMITS[1:3]))
dates = st.tuples(field(1, 28), field(1, 12), field(0, 6))


@given(five, dates)
def test_five_fields_get_second_0_and_stay_what_they_are(times: tuple[str, ...], date: tuple):
    expression = " ".join([*times, *date])
    assert six_fields(f"  {expression}\t") == f"0 {expression}"


@given(field(0, 59), five, dates)
def test_six_fields_are_taken_as_they_are(second: str, times: tuple[str, ...], date: tuple):
    expression = " ".join([second, *times, *date])
    assert six_fields(expression) == expression


@given(st.sampled_from(range(6)), st.integers(60, 999), five, dates)
def test_a_value_out_of_range_is_named_with_its_field(
    place: int, value: int, times: tuple[str, ...], date: tuple
):
    parts = ["0", *times, *date]
    parts[place] = str(value)
    with pytest.raises(ParameterError, match=f"{FIELDS[place].name}: {value} is out of range"):
        six_fields(" ".join(parts))


@given(st.text(max_size=30))
def test_any_text_is_six_fields_or_one_line_that_says_what_is_wrong(text: str):
    try:
        assert len(six_fields(text).split()) == 6
    except ParameterError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("names", [MONTHS, DAYS])
def test_names_of_months_and_days_are_known_in_any_case(names: tuple[str, ...]):
    month, day = (names[0], "*") if names is MONTHS else ("*", f"{names[1]}-{names[5]}".upper())
    assert six_fields(f"0 6 * {month} {day}") == f"0 0 6 * {month} {day}"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("0 6 * * *", "0 0 6 * * *"),
        ("*/15 8-18 * * mon-fri", "0 */15 8-18 * * mon-fri"),
        ("30 0 6 ? * 2-6", "30 0 6 ? * 2-6"),
        ("@daily", "0 0 0 * * *"),
        ("@Weekly", "0 0 0 * * 0"),
        ("0 6 31 2,3 *", "0 0 6 31 2,3 *"),
        ("0 6 31 2 mon", "0 0 6 31 2 mon"),
    ],
)
def test_what_people_write(text: str, meant: str):
    assert six_fields(text) == meant


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "0 fields; write 5"),
        ("0 6 * *", "4 fields; write 5"),
        ("0 0 6 * * * *", "7 fields"),
        ("@reboot", "no such shortcut; there are @yearly"),
        ("@every 1h", "for @every use --every"),
        ("TZ=UTC 0 6 * * *", "a time zone cannot be given"),
        ("60 6 * * *", "minute: 60 is out of range; use 0 to 59"),
        ("0 24 * * *", "hour: 24 is out of range"),
        ("0 6 0 * *", "day of month: 0 is out of range"),
        ("0 6 * 13 *", "month: 13 is out of range"),
        ("0 6 * * 7", "day of week: 7 is no day of the week for KFP; Sunday is 0"),
        ("0 6 * * fry", "day of week: 'fry' is no value; use 0 to 6 and sun, mon"),
        ("0 6 L * *", "day of month: 'L' is no value"),
        ("0 6 * * mon#1", "day of week: 'mon#1' is no value"),
        ("0 18-6 * * *", "hour: '18-6': the range ends before it begins"),
        ("*/0 6 * * *", "minute: '*/0': a step is a number above 0"),
        ("*/x 6 * * *", "minute: '*/x': a step is a number above 0"),
        ("1,,2 6 * * *", "minute: '1,,2': an item of the list is empty"),
        ("1-2-3 6 * * *", "minute: '1-2-3' is no value, range"),
        ("*-5 6 * * *", "minute: '*-5': a range begins with a value"),
        ("-5 6 * * *", "minute: '-5' is no value, range"),
        ("0 6 30 2 *", "day of month: no month of these has such a day, so it never happens"),
        ("0 6 31 4,jun */2", "never happens"),
    ],
)
def test_what_is_wrong_is_named(text: str, fault: str):
    with pytest.raises(ParameterError, match=re.escape(fault)):
        six_fields(text)


def test_all_faults_are_named_at_once():
    with pytest.raises(ParameterError) as raised:
        six_fields("61 25 32 0 8")
    assert all(place.name in str(raised.value) for place in FIELDS[1:])
