from kanaria.components.evaluate.findings_file import Findings
from kanaria.components.shared.artifacts.judged_metrics import Check, Value


def value(metric: str, candidate: float | None, slice: str = "") -> Value:
    return Value(slice=slice, metric=metric, candidate=candidate, baseline=None)


def findings(*values: Value, judged: str = "") -> Findings:
    checks = [
        Check(value=each, kind="value_threshold", bound="", passed=True, text="")
        for each in values
        if each.metric == judged
    ]
    return Findings(
        eval_config="",
        split="eval",
        row_count=652,
        value_thresholds=len(checks),
        change_thresholds=0,
        validation_ok=True,
        values=values,
        checks=tuple(checks),
    )


COUNT, LOSS, AUC = value("example_count", 652.0), value("loss", 0.25), value("auc", 0.94287)


def test_lists_show_the_metric_that_decides_and_else_the_first():
    assert findings(COUNT, LOSS, AUC, judged="auc").main_metric() == "auc 0.9429"
    assert findings(COUNT, LOSS, AUC).main_metric() == "loss 0.25"
    metadata = findings(COUNT, LOSS, AUC, judged="auc").metadata("evaluate_model")
    assert metadata["evaluation"]["display_name"] == "evaluation: auc 0.9429, 652 rows"
    assert metadata["metrics"] == {
        "display_name": "metrics: auc 0.9429",
        "example_count": 652.0,
        "loss": 0.25,
        "auc": 0.94287,
    }


def test_a_metric_of_a_slice_or_without_a_value_is_not_the_main_one():
    assert findings(COUNT, value("auc", 0.5, "carrier=AA"), value("loss", None)).main_metric() == ""
