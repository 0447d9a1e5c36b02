"""What somebody sees who does not know the commands yet, or misspells them."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kanaria.components.shared.command_line import Parser
from kanaria.pipelines import cli

KANARIA = Path(sys.executable).with_name("kanaria")


def kanaria(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([KANARIA, *arguments], cwd=cwd, capture_output=True, text=True)


def parsers(parser: Parser) -> list[Parser]:
    """Return the parser of every command and verb."""
    groups = [one.choices for one in parser._actions if isinstance(one.choices, dict)]
    inner = [below for group in groups for one in group.values() for below in parsers(one)]
    return [parser, *inner]


def test_every_option_of_every_command_has_help():
    options = [(one.prog, action) for one in parsers(cli.parser()) for action in one._actions]
    assert len(options) > 100
    mute = [
        (program, action.dest)
        for program, action in options
        if not action.help and not isinstance(action.choices, dict)
    ]
    assert mute == []


USAGE: dict[tuple[str, ...], str] = {
    ("rnu",): "error: 'rnu' is not known, did you mean run?; see `kanaria --help`\n",
    ("run",): "error: missing: pipeline; see `kanaria run --help`\n",
    ("run", "p.yaml", "--confg", "c.yaml"): (
        "error: '--confg' is not known, did you mean --config?; see `kanaria run --help`\n"
    ),
    ("drift", "stats"): (
        "error: 'stats' is not known, did you mean status?; see `kanaria drift --help`\n"
    ),
    ("serve", "--port", "70000"): (
        "error: argument --port: '70000': use 0 to 65535; see `kanaria serve --help`\n"
    ),
    ("rollout", "start", "tips", "--interval", "nan"): (
        "error: argument --interval: 'nan': use a number above 0; "
        "see `kanaria rollout start --help`\n"
    ),
}


@pytest.mark.parametrize("arguments", USAGE, ids=" ".join)
def test_wrong_usage_is_one_line_with_what_was_meant(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(sys, "argv", ["kanaria", *arguments])
    with pytest.raises(SystemExit) as raised:
        cli.main()
    assert (raised.value.code, capsys.readouterr().err) == (2, USAGE[arguments])


@pytest.mark.parametrize("arguments", [(), ("drift",), ("runs",), ("rollout",), ("schedule",)])
def test_a_command_without_its_verb_shows_the_verbs(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(sys, "argv", ["kanaria", *arguments])
    with pytest.raises(SystemExit) as raised:
        cli.main()
    assert raised.value.code == 2
    assert capsys.readouterr().err.startswith(f"usage: {' '.join(['kanaria', *arguments])} ")


def test_the_help_of_a_pipeline_lists_its_parameters_those_that_are_needed_first(tmp_path: Path):
    text = kanaria("run", "train_and_deploy", "--help", cwd=tmp_path).stdout
    listed = text.split("parameters of train_and_deploy")[1]
    assert "  train_steps: whole number, default 1000\n      A number of training" in listed
    assert '  hyperparameters: mapping, default {}\n      {"learning_rate": 0.1}: handed' in listed
    assert "      service.name: text, required\n          tips: name of the" in listed
    assert "      service.canaryTrafficPercent: an integer, default 10\n" in listed
    assert '      reading.separator: text, default ","\n' in listed
    assert "  model_root: text, default the folder models below the root\n" in listed
    assert listed.index("data: text, required") < listed.index("train_steps")
    assert listed.rindex(", required\n") < listed.index("custom_config")
    assert "NUMBER" not in listed
    assert all(len(line) <= 80 for line in text.splitlines())
    assert not list(tmp_path.iterdir())


def test_the_help_takes_the_pipeline_before_or_behind_it_in_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    texts: list[Any] = []
    for line in (
        "run watch_for_drift -h",
        "run --help watch_for_drift",
        "submit watch_for_drift --help",
        "schedule create nightly watch_for_drift --help",
    ):
        monkeypatch.setattr(sys, "argv", ["kanaria", *line.split()])
        with pytest.raises(SystemExit) as raised:
            cli.main()
        assert not raised.value.code
        texts.append(capsys.readouterr().out.split("parameters of watch_for_drift")[1:])
    assert texts == [texts[0]] * 4
    assert len(texts[0]) == 1


def test_output_that_nobody_reads_on_ends_a_command_quietly(tmp_path: Path):
    command = f'"{KANARIA}" run train_and_deploy --help | head -n 1; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    first, code = done.stdout.splitlines()
    assert first.startswith("usage: kanaria run")
    assert code in ("0", "141")  # 0 where all of it went into the pipe before head ended.
    assert done.stderr == ""


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path):
    (tmp_path / "file").touch()
    for words in (["serve", "--state", "file/s"], ["drift", "serve", "--store", "file/e.sqlite"]):
        done = kanaria(*words, "--port", "0", cwd=tmp_path)
        assert done.returncode == 1
        assert done.stderr.startswith("error: ")
        assert done.stderr.count("\n") == 1
        assert "file" in done.stderr


def test_without_runs_the_list_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))  # No warm process is kept there.
    done = kanaria("runs", "list", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "runs of this machine, in .kanaria/runs\n")
    assert done.stderr.startswith("no runs in .kanaria/runs; ")
