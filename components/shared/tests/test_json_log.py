"""Lines of JSON, as a program reads them from a server's standard error."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

BEGIN = """
import asyncio, logging, threading, warnings
from kanaria.components.shared import json_log
from kanaria.components.shared.command_line import code_of
from kanaria.components.shared.errors import DataError
json_log.configure("%(levelname)s %(message)s", service="flights")
log = logging.getLogger("kanaria.test")
"""


def run(code: str, form: str = "json") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-c", BEGIN + code],
        env={"KANARIA_LOG_FORMAT": form},
        capture_output=True,
        text=True,
    )


def lines(code: str) -> list[dict]:
    return [json.loads(line) for line in run(code).stderr.splitlines()]


def test_a_line_has_time_level_logger_message_and_what_always_stands():
    before = datetime.now(UTC).replace(microsecond=0)
    (line,) = lines("log.warning('%d left', 3)")
    assert before <= datetime.fromisoformat(line.pop("time")) <= datetime.now(UTC)
    assert line == {
        "level": "warning",
        "logger": "kanaria.test",
        "message": "3 left",
        "service": "flights",
    }


@pytest.mark.parametrize(
    "text", ["two\nlines", "a\u2028b", "\x1b[2J", "\ud800", '{"a": 1}', "ü€😀"]
)
def test_whatever_is_said_is_one_line_and_read_as_it_was(text: str):
    (line,) = lines(f"log.error('%s', {text!a})")
    assert line["message"] == text


def test_an_exception_is_a_field_with_its_traceback():
    (line,) = lines("try:\n    1 / 0\nexcept ZeroDivisionError:\n    log.exception('no')")
    assert line["message"] == "no"
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("ZeroDivisionError: division by zero")


def test_extra_comes_before_the_block_and_the_block_before_what_always_stands():
    first, second, third = lines(
        "with json_log.fields(service='tips', request_id='a'):\n"
        "    log.info('1', extra={'request_id': 'b'})\n"
        "    with json_log.fields(revision='r'):\n"
        "        log.info('2')\n"
        "log.info('3')\n"
    )
    assert (first["service"], first["request_id"]) == ("tips", "b")
    assert (second["request_id"], second["revision"]) == ("a", "r")
    assert third["service"] == "flights"
    assert "request_id" not in third


def test_tasks_keep_their_own_fields_however_they_alternate():
    shown = lines(
        "async def work(name):\n"
        "    with json_log.fields(request_id=name):\n"
        "        for _ in range(3):\n"
        "            await asyncio.sleep(0)\n"
        "            log.info(name)\n"
        "async def main():\n"
        "    await asyncio.gather(work('a'), work('b'))\n"
        "asyncio.run(main())\n"
    )
    assert len(shown) == 6
    assert all(line["request_id"] == line["message"] for line in shown)


def test_values_that_json_has_not_are_text():
    (line,) = lines("log.info('x', extra={'a': float('nan'), 'b': {1}, 'c': 1.5, 'd': None})")
    assert (line["a"], line["b"], line["c"], line["d"]) == ("nan", "{1}", 1.5, None)


def test_an_extra_cannot_take_the_place_of_the_message():
    (line,) = lines("log.info('true', extra={'time': 'never', 'level': 'none', 'logger': 'x'})")
    assert (line["message"], line["level"], line["logger"]) == ("true", "info", "kanaria.test")
    assert line["time"] != "never"


def test_what_ends_the_process_is_an_object_too():
    (line,) = lines("def f():\n    raise DataError('row 3')\nraise SystemExit(code_of(f))")
    assert (line["level"], line["message"]) == ("error", "row 3")
    (line,) = lines("raise RuntimeError('bug')")
    assert (line["level"], line["message"]) == ("critical", "unforeseen: bug")
    assert "RuntimeError: bug" in line["exception"]
    (line,) = lines("warnings.warn('old')")
    assert "old" in line["message"]


def test_without_it_lines_are_for_a_person_and_another_form_is_refused():
    code = "log.info('x', extra={'request_id': 'b'})"
    assert run(code, "").stderr == run(code, "text").stderr == "INFO x\n"
    refused = run(code, "yaml")
    assert refused.stderr.splitlines()[-1].endswith(
        "ParameterError: KANARIA_LOG_FORMAT='yaml': use json or text"
    )
