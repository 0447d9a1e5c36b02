"""What `kanaria drift serve` can be told."""

import argparse

import pytest

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.drift_server.command_options import Amounts, add_serve_options, read_amounts


def amounts(*arguments):
    parser = argparse.ArgumentParser()
    add_serve_options(parser)
    return read_amounts(parser.parse_args(arguments))


def test_all_amounts_have_defaults():
    assert amounts() == Amounts(keep_days=30, keep_megabytes=10_000, label_delay_hours=24)


def test_amounts_are_taken():
    arguments = ("--keep-days", "0.5", "--keep-megabytes", "20", "--label-delay-hours", "1e3")
    assert amounts(*arguments) == Amounts(keep_days=0.5, keep_megabytes=20, label_delay_hours=1000)


@pytest.mark.parametrize("wrong", ["0", "-1", "nan", "inf", "-inf", "1e99", "a day", ""])
def test_amounts_out_of_range_are_refused_all_at_once(wrong):
    names = ("--keep-days", "--keep-megabytes", "--label-delay-hours")
    with pytest.raises(ParameterError) as raised:
        amounts(*[f"{name}={wrong}" for name in names])
    fault = str(raised.value)
    assert all(f"{name}={wrong!r}" in fault for name in names)
    assert fault.count("use ") == 3
    assert "\n" not in fault


@pytest.mark.parametrize("wrong", ["9", "10.5"])
def test_a_store_that_is_too_small_or_no_whole_number_is_refused(wrong):
    with pytest.raises(ParameterError, match="--keep-megabytes"):
        amounts("--keep-megabytes", wrong)
