"""Every metric on every slice, as one accumulator over batches of scored rows.

A state holds per group of metrics TFMA's own sums: tables of numbers where a combiner adds up,
weights of Keras metrics, and TFMA's accumulators where rows are taken one by one. Rows
themselves are kept for metrics over queries alone, whose rows may lie anywhere in the split.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kanaria.components.evaluate import metric_plan as plans
from kanaria.components.evaluate import row_by_row_metrics, slices
from kanaria.components.evaluate.add_rows import add_batch, add_queries
from kanaria.components.evaluate.combined_metrics import Combined, combined
from kanaria.components.evaluate.evaluated_rows import Rows
from kanaria.components.evaluate.group_state import GroupState, merge_states


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricsAccumulator:
    """The accumulator of all metrics.

    Attributes:
        config: bytes of a `tfma.EvalConfig` for exactly the models at hand.
    """

    config: bytes

    def create(self) -> list[GroupState]:
        """Return the state of no rows."""
        return [GroupState() for _ in plans.of(self.config).groups]

    def add(self, state: list[GroupState], batch: Rows) -> list[GroupState]:
        """Return the state with one more batch."""
        plan = plans.of(self.config)
        members = slices.membership(batch, plan.config, set(plan.columns))
        if plan.sql:
            members = slices.with_more(members, row_by_row_metrics.sql_slices(batch, plan.config))
        for group, own in zip(plan.groups, state, strict=True):
            if group.query_key:
                own.waiting.append(batch)
            else:
                add_batch(own, group, plan, batch, members)
        return state

    def merge(self, states: Sequence[list[GroupState]]) -> list[GroupState]:
        """Return the state of all rows."""
        groups = plans.of(self.config).groups
        columns = zip(groups, zip(*states, strict=True), strict=True)
        return [merge_states(group, list(parts)) for group, parts in columns]

    def extract(self, state: list[GroupState]) -> list[Combined]:
        """Return the metrics of each group."""
        plan = plans.of(self.config)
        for group, own in zip(plan.groups, state, strict=True):
            if group.query_key:
                add_queries(own, group, plan)
        return [combined(group, own) for group, own in zip(plan.groups, state, strict=True)]
