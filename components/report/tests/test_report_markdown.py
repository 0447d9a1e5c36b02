"""The Markdown as a reader sees it: rendered by a CommonMark parser."""

import re
from datetime import UTC, datetime

import pytest
from markdown_it import MarkdownIt

from kanaria.components.report import markdown
from kanaria.components.report.run_outcome import Cause, Happened, Left, Outcome, Step

VERSIONS = [("Kanaria", "0.1.0")]


def run(**changes: object) -> Happened:
    fields: dict[str, object] = {
        "pipeline": "train-and-deploy",
        "run_id": "r-1",
        "run_name": "nightly",
        "outcome": Outcome.FAILED,
        "causes": (Cause(step="train-model", text="ValueError: too salty"),),
        "started": datetime(2026, 11, 29, 18, 0, 0, tzinfo=UTC),
        "ended": datetime(2026, 11, 29, 18, 2, 28, tzinfo=UTC),
        "left": Left(),
    }
    return Happened(**{**fields, **changes})  # type: ignore[arg-type]


def html(happened: Happened, *remarks: str) -> str:
    text = markdown.render(happened, VERSIONS, remarks)
    return MarkdownIt("commonmark", {"html": False}).enable("table").render(text)


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_outcome_duration_cause_versions_and_revision_are_said():
    endpoint = {
        "pushed": True,
        "name": "tips",
        "namespace": "ml",
        "revision": "tips-00002",
        "percent": 10,
        "storage_uri": "s3://b/tips/0a1b/model",
    }
    page = html(run(left=Left(endpoint=endpoint)))
    assert "<h1>train-and-deploy failed after 2 min 28 s</h1>" in page
    assert "<strong>train-model</strong>: ValueError: too salty" in page
    assert "<th>run id</th>\n<th>r-1</th>" in page
    for name, value in (
        ("run", "nightly"),
        ("started", "2026-11-29 18:00:00 UTC"),
        ("ended", "2026-11-29 18:02:28 UTC"),
        ("Kanaria", "0.1.0"),
        ("revision", "tips-00002 of ml/tips, 10 % when it was pushed"),
        ("model", "s3://b/tips/0a1b/model"),
    ):
        assert f"<td>{name}</td>\n<td>{value}</td>" in page


def test_why_nothing_was_pushed_is_said():
    left = Left(endpoint={"pushed": False, "reason": "the model is live already"})
    assert "<td>none: the model is live already</td>" in html(run(left=left))


def test_an_unknown_start_gives_no_duration():
    page = html(run(started=None))
    assert "<h1>train-and-deploy failed</h1>" in page
    assert "started" not in page


NASTY = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "a | b | c",
    "**bold** _it_ `code` ~~gone~~ ==mark== $x$",
    "&lt;tag&gt; &copy;",
    "![pixel](http://example.com/p.png)",
    "back\\slash \\| end\\",
    "auc_pr < 0.5 & recall > 0.2",
    "first\n| second\n# third\n\n```\nfence",
)


@pytest.mark.parametrize("text", NASTY)
def test_what_a_log_says_is_shown_as_it_is(text: str):
    left = Left(steps=(Step(name="train-model", state="failed", cause=text),), notes=(text,))
    page = html(run(causes=(Cause(step="train-model", text=text),), left=left), text)
    line = " ".join(text.split())
    shown = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert page.count(shown) == 4
    assert set(re.findall(r"<(\w+)", page)) <= {
        "h1",
        "h2",
        "p",
        "strong",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    }
    assert page.count("<table>") == 2


@pytest.mark.parametrize(
    "said", ["# no quota", "- no quota", "+ no quota", "1. no quota", "2) no", "0.1.0 is old"]
)
def test_what_kfp_says_begins_no_heading_and_no_list(said: str):
    assert f"<p>{said}</p>" in html(run(causes=(Cause(step="", text=said),)))


def test_a_long_cause_is_cut():
    text = markdown.render(run(causes=(Cause(step="a", text="x" * 500_000),)), VERSIONS)
    assert len(text) < 5_000
    assert "(500000 characters)" in text


def test_many_steps_are_cut_and_counted():
    left = Left(steps=tuple(Step(name=f"s{n}", state="succeeded") for n in range(1_000)))
    text = markdown.render(run(left=left), VERSIONS)
    assert "900 more steps are left out." in text


def test_several_causes_are_a_list():
    page = html(run(causes=(Cause(step="a", text="one"), Cause(step="", text="two"))))
    assert words(page.partition("<table>")[0]).endswith("a : one two")
    assert page.count("<li>") == 2


def test_times_of_steps_are_shown_where_they_are_known():
    timed = html(run(left=Left(steps=(Step(name="a", state="succeeded", seconds=83.2),))))
    assert "<td>1\N{NO-BREAK SPACE}min\N{NO-BREAK SPACE}23\N{NO-BREAK SPACE}s</td>" in timed
    assert "<th>time</th>" not in html(run(left=Left(steps=(Step(name="a", state="succeeded"),))))
