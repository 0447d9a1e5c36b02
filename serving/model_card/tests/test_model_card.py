"""Model cards: what they say of a release, in each form, whatever stands in the data."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt

from kanaria.components.shared.artifacts.judged_metrics import Check, JudgedMetrics, Value
from kanaria.components.shared.artifacts.release import Record
from kanaria.components.shared.artifacts.serving_samples import Tensor
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.components.shared.html_report.html_page import MOST_BYTES
from kanaria.serving import delivery_mapping
from kanaria.serving.audit.entry import Entry
from kanaria.serving.card_fields import CardFields
from kanaria.serving.model_card import card_files, card_markdown, card_page
from kanaria.serving.model_card.card import Card, DataFacts, DriftReference

AUC = 0.8123456789012345
LOW, HIGH = 0.8011111111111111, 0.8235555555555555
SMALL = 1e-07


def value(slice_name: str, metric: str, number: float | None, **more) -> Value:
    return Value(slice=slice_name, metric=metric, candidate=number, baseline=None, **more)


def card(uri: str = "s3://models/tips/7b632c308c573db3", slices: str = "carrier=AA") -> Card:
    whole = value("", "auc", AUC, candidate_interval=(LOW, HIGH))
    values = (
        whole,
        value("", "example_count", 4131.0),
        value("", "loss", SMALL),
        value("", "precision", float("nan")),
        value(slices, "auc", 0.7000000000000001),
        value(slices, "example_count", 12.0),
    )
    checks = (
        Check(value=whole, kind="value_threshold", bound="at least 0.7", passed=True, text="ok"),
    )
    origin = {
        "run_id": "run-1",
        "pipeline": "train-and-deploy",
        "data_span": "2013-01..2013-05",
        "data": "/data/a.csv,/data/b.csv#sha256=" + "ab" * 32,
        "module": "my_module.py",
        "training": {"framework": "tensorflow", "train_steps": 100, "packages": {"numpy": "1"}},
    }
    record = Record(
        service="tips",
        outcome="bless_model passed",
        fingerprint="7b" * 32,
        contents={"statistics": "cd" * 32},
        origin=origin,
    )
    return Card(
        uri=uri,
        namespace="default",
        record=record,
        fields=CardFields(license="Apache-2.0", owner="routing", datasets=("flights",)),
        inputs={"hour": Tensor(dtype="float32", shape=(None, 1))},
        outputs={"score": Tensor(dtype="float32", shape=None)},
        data=DataFacts(rows={"train": 15000, "eval": 4131}, findings=("tolerated: x",)),
        metrics=JudgedMetrics(split="eval", rows=4131, values=values, checks=checks),
        verdict="bless_model passed",
        notes=("no deployed model: first run, 2 change thresholds skipped",),
        drift=DriftReference(kind="table", settings={"features": ["hour"], "rows": 15000}),
    )


def front(text: str) -> dict:
    """The metadata, taken out as the Hub's own client does."""
    match = re.match(r"^(\s*---[\r\n]+)([\S\s]*?)([\r\n]+---(\r\n|\n|$))", text)
    assert match
    return yaml.safe_load(match[2])


def tables(text: str) -> list[list[str]]:
    """The cells of every row of every table, as a renderer of GitHub's dialect reads them."""
    rows: list[list[str]] = []
    for token in MarkdownIt("commonmark").enable("table").parse(text.partition("\n---\n")[2]):
        if token.type == "tr_open":
            rows.append([])
        if token.type == "inline" and rows and token.level > 2:
            rows[-1].append("".join(child.content for child in token.children or ()))
    return rows


def test_it_has_the_sections_of_model_cards_in_their_order():
    titles = re.findall(r"^## (.*)$", card_markdown.render(card()), re.MULTILINE)
    assert titles == [
        "Model details",
        "Intended use",
        "Factors",
        "Metrics",
        "Evaluation data",
        "Training data",
        "Quantitative analyses",
        "Limits",
        "Drift reference",
        "Ethical considerations",
        "Caveats and recommendations",
        "Approvals",
    ]


def test_numbers_have_all_the_digits_of_the_evaluation():
    rows = tables(card_markdown.render(card()))
    assert ["auc", "all rows", "4131", str(AUC), f"{LOW} to {HIGH}", "–", "–"] in rows
    assert ["auc", "carrier=AA", "12", "0.7000000000000001", "–", "–", "–"] in rows
    assert ["auc", "all rows", str(AUC), "–", "at least 0.7", "holds"] in rows
    page = card_page.render(card())
    for number in (AUC, LOW, HIGH, SMALL):
        assert repr(number) in page


def test_a_matrix_is_told_of_with_its_columns():
    rows = tables(card_markdown.render(replace(card(), matrix="input-0")))
    wanted = "one matrix, input-0, without names: its columns are the inputs, in their order"
    assert ["request", wanted] in rows
    assert "request" not in [row[0] for row in tables(card_markdown.render(card()))]


def test_the_live_model_stands_beside_the_new_one():
    both = replace(
        value("", "auc", AUC, candidate_interval=(LOW, HIGH)),
        baseline=0.75,
        baseline_interval=(0.5, 1.0),
    )
    text = "change at least -0.05"
    change = Check(value=both, kind="change_threshold", bound=text, passed=True, text="ok")
    compared = JudgedMetrics(split="eval", rows=1, values=(both,), checks=(change,))
    rows = tables(card_markdown.render(replace(card(), metrics=compared)))
    assert ["auc", "all rows", "–", str(AUC), f"{LOW} to {HIGH}", "0.75", "0.5 to 1"] in rows
    assert ["auc", "all rows", str(AUC), "0.75", text, "holds"] in rows


def test_a_database_is_no_file():
    origin = {**card().record.origin, "data": "postgresql://reader@db:5432/shop#at=2013-01-01"}
    rows = tables(
        card_markdown.render(replace(card(), record=replace(card().record, origin=origin)))
    )
    assert ["database", "postgresql://reader@db:5432/shop#at=2013-01-01"] in rows
    assert not [row for row in rows if row[0] == "files"]


def test_a_card_of_thousands_of_slices_stays_a_page_that_kfp_shows():
    values = tuple(
        value(f"word={'<' * 500}{number}", metric, AUC, candidate_interval=(LOW, HIGH))
        for number in range(3000)
        for metric in ("auc", "example_count", "loss")
    )
    checks = tuple(
        Check(value=one, kind="value_threshold", bound="at least 0.7", passed=True, text="ok")
        for one in values
    )
    many = replace(card(), metrics=JudgedMetrics(split="e", rows=1, values=values, checks=checks))
    assert len(card_page.render(many).encode()) < MOST_BYTES
    assert len(card_markdown.render(many)) < 400_000


def test_limits_name_what_is_small_absent_or_not_judged():
    text = card_markdown.render(card())
    limits = text.partition("## Limits")[2].partition("## Drift")[0]
    assert "fewer than 30 rows, whose metrics vary by chance: carrier\\=AA." in limits
    assert ["precision", "all rows"] in tables(text)
    assert "2 change thresholds skipped" in limits
    bare = replace(card(), metrics=JudgedMetrics(split="eval", rows=1))
    assert "No confidence intervals were computed" in card_markdown.render(bare)


def test_the_metadata_is_in_the_form_of_the_hub():
    metadata_block = front(card_markdown.render(card()))
    assert metadata_block["license"] == "apache-2.0"
    assert metadata_block["datasets"] == ["flights"]
    assert metadata_block["metrics"] == ["auc", "loss"]
    (index,) = metadata_block["model-index"]
    assert index["name"] == "tips-7b632c308c573db3"
    (result,) = index["results"]
    assert result["task"] == {"type": "other"}
    assert result["dataset"] == {
        "type": "flights",
        "name": "flights 2013-01..2013-05",
        "split": "eval",
        "revision": "ab" * 32,
    }
    assert result["metrics"] == [
        {
            "type": "auc",
            "value": AUC,
            "name": "auc",
            "args": {"confidence_interval_95": [LOW, HIGH]},
        },
        {"type": "loss", "value": SMALL, "name": "loss"},
    ]


@pytest.mark.parametrize(
    ("name", "metadata"),
    [
        ("", {}),
        ("MIT", {"license": "mit"}),
        ("Our Own: v1", {"license": "other", "license_name": "our-own-v1"}),
    ],
)
def test_a_licence_that_the_hub_does_not_know_is_another_one(name: str, metadata: dict):
    block = front(card_markdown.render(replace(card(), fields=CardFields(license=name))))
    assert {key: block[key] for key in block if key.startswith("license")} == metadata
    assert "datasets" not in block


def test_without_a_metric_there_is_no_index_of_none():
    bare = replace(card(), metrics=JudgedMetrics(split="eval", rows=0))
    assert not {"metrics", "model-index"} & front(card_markdown.render(bare)).keys()


HOSTILE = [
    "<script>alert(1)</script>",
    "<!-- x",
    "<?x",
    "<![CDATA[x",
    "a|b",
    "[x](https://evil.example)",
    "![x](https://evil.example/p.png)",
    "https://evil.example",
    "www.evil.example",
    "mail@evil.example",
    "`code`",
    "**bold** _it_ ~~no~~",
    "&lt;b&gt;",
    "# heading",
    "- item",
    "12. item",
    "> quote",
    "---",
    "a\n---\nlicense: mit",
    "x: {y: [&a *a]}",
    "!!python/object/apply:os.system ['true']",
    "$x$",
    "‮esrever",
    "'\"\\",
    "\x00\x07",
    "</style><img src=x onerror=alert(1)>",
]


class Tags(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [link for name, link in attrs if name in ("href", "src", "onerror")]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_whatever_a_text_holds_it_is_shown_as_a_text(hostile: str):
    decision = Entry(when=0.0, who=hostile, what="push", about="x", why=hostile)
    hostile_card = replace(
        card(slices=f"carrier={hostile}"),
        fields=CardFields(
            license=hostile,
            owner=hostile,
            intended_use=hostile,
            out_of_scope=hostile,
            caveats=hostile,
            datasets=(hostile,),
        ),
        notes=(hostile,),
        decisions=(decision,),
    )
    plain = replace(card(slices="carrier=x"), decisions=(replace(decision, who="x", why="x"),))
    known_text, plain_text = card_markdown.render(hostile_card), card_markdown.render(plain)
    metadata_block = front(known_text)
    assert set(metadata_block) <= {"license_name", *front(plain_text)}
    assert metadata_block["model-index"][0]["results"][0]["metrics"][0]["value"] == AUC

    body = known_text.partition("\n---\n")[2]
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(body)
    tags = Tags(html)
    assert set(tags.tags) <= {"h1", "h2", "p", *TABLE} and not tags.links
    assert tags.tags.count("h2") == 12  # None is swallowed.
    assert not BARE_LINK.search(body)
    page = Tags(card_page.render(hostile_card))
    assert sorted(set(page.tags)) == sorted(set(Tags(card_page.render(plain)).tags))
    assert not [link for link in page.links if not link.startswith("#s")]


TABLE = {"table", "thead", "tbody", "tr", "th", "td"}
BARE_LINK = re.compile(r"\bhttps?://|\bwww\.|\w@\w")
"""What GitHub's dialect makes a link of, without brackets."""


def test_what_is_stored_is_the_card(tmp_path: Path):
    own = card(str(tmp_path / "tips/7b632c308c573db3"))
    card_files.write(own)
    stored = card_files.read(own.uri)
    assert card_markdown.render(stored) == card_markdown.render(own)
    assert (tmp_path / "tips/7b632c308c573db3/model_card.html").read_text() == card_page.render(own)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 1, "uri": 3}'])
def test_a_damaged_card_is_told(tmp_path: Path, text: str):
    (tmp_path / "model_card.json").write_text(text)
    with pytest.raises(DataError, match=r"model_card\.json: .*"):
        card_files.read(str(tmp_path))


def test_a_release_without_a_card_is_told(tmp_path: Path):
    with pytest.raises(DataError, match="no model card"):
        card_files.read(str(tmp_path))


def entry(what: str, about: str, **numbers) -> Entry:
    return Entry(when=0.0, who="x", what=what, about=about, numbers=numbers)


def test_decisions_are_those_over_the_release_and_the_revision_that_serves_it():
    own = "s3://models/tips/7b632c308c573db3/model"
    trail = (
        entry("pushed", "s3://models/tips/0000000000000000/model", revision="tips-00001"),
        entry("approve", "tips-00001"),
        entry("push", own),
        entry("pushed", own, revision="tips-00002"),
        entry("approve", "tips-00002"),
    )
    assert card_files.decided(card(), trail).decisions == trail[2:]


def test_the_fields_are_judged_all_at_once():
    faults = Faults("kanaria run")
    written = {"licence": "mit", "license_url": "javascript:alert(1)", "task": "A B", "owner": 3}
    delivery_mapping.parse({"card": written}, faults)
    with pytest.raises(ParameterError) as error:
        faults.raise_if_any()
    for fault in (
        "delivery.card.licence='mit': no such key, did you mean delivery.card.license?",
        "delivery.card.license_url='javascript:alert(1)': write an address",
        "delivery.card.task='A B': write it as",
        "delivery.card.owner=3: write text",
    ):
        assert fault in str(error.value)


def test_the_card_is_plain_json(tmp_path: Path):
    own = card(str(tmp_path / "r"))
    card_files.write(own)
    document = json.loads((tmp_path / "r/model_card.json").read_text(), parse_constant=pytest.fail)
    assert document["format"] == 1
