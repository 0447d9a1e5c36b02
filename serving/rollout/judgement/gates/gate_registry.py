"""All kinds of gates, in the order in which they are reported. A new gate is a file and a line."""

from kanaria.serving.rollout.judgement.gates import (
    answer_latency,
    disagreement,
    error_rate,
    hard_rules,
    input_drift,
    label_accuracy,
    prediction_shares,
    refusal_rate,
)

KINDS = (
    hard_rules.KIND,
    error_rate.KIND,
    refusal_rate.KIND,
    answer_latency.KIND,
    prediction_shares.KIND,
    disagreement.KIND,
    label_accuracy.KIND,
    input_drift.KIND,
)
BY_NAME = {kind.name: kind for kind in KINDS}
