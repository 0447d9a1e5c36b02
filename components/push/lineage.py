"""Marks a service with where its model comes from. Pure.

The marks reach the pods, where a change makes a revision, so they change only together with the
model's URI. Kubernetes selects by labels, whose values are short and plain; annotations hold any
text. Source: Kubernetes, "Labels and Selectors", syntax and character set.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from kanaria.components.shared.artifacts.metadata import DISPLAY_NAME, plain
from kanaria.components.shared.artifacts.model_evaluation import ModelEvaluation
from kanaria.components.shared.artifacts.release import Record
from kanaria.serving.inference_service.service_spec import ServiceSpec
from kanaria.serving.protocol.annotation_names import (
    DATA_SPAN_ANNOTATION,
    PIPELINE_ANNOTATION,
    RUN_ID_ANNOTATION,
    VERSION_ANNOTATION,
)

LABEL = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Lineage:
    """Where a model comes from; "" is not known.

    Attributes:
        model_version: name of the release: the beginning of the model's fingerprint.
        run_id: run of the pipeline that pushed the release.
        pipeline: name of the pipeline.
        data_span: span of the data, "first..last" for several.
        data: files and their fingerprint, as resolve_span pins them.
        module: file of the user's module, or its name.
        training: what train_model says of the model in its metadata.
        trigger: what started the run, as a trigger server tells it.
        evaluation: the metrics that it was blessed by, where its blessing tells them.
    """

    model_version: str = ""
    run_id: str = ""
    pipeline: str = ""
    data_span: str = ""
    data: str = ""
    module: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)
    trigger: Mapping[str, Any] = field(default_factory=dict)
    evaluation: ModelEvaluation | None = None

    def recorded(self, service: str, outcome: str) -> Record:
        """Return the record of a release for a service, with the outcome that let it pass."""
        training = {name: value for name, value in self.training.items() if name != DISPLAY_NAME}
        facts = {
            "run_id": self.run_id,
            "pipeline": self.pipeline,
            "data_span": self.data_span,
            "data": self.data,
            "module": self.module,
            "training": plain(training),
            "trigger": plain(self.trigger),
            "evaluation": asdict(self.evaluation) if self.evaluation else {},
        }
        origin = {name: value for name, value in facts.items() if value}
        return Record(service=service, outcome=outcome, fingerprint="", contents={}, origin=origin)


def marks(lineage: Lineage) -> dict[str, str]:
    """Return what is known by the names it has in Kubernetes."""
    annotations = {
        VERSION_ANNOTATION: lineage.model_version,
        RUN_ID_ANNOTATION: lineage.run_id,
        PIPELINE_ANNOTATION: lineage.pipeline,
        DATA_SPAN_ANNOTATION: lineage.data_span,
    }
    return {name: value for name, value in annotations.items() if value}


def marked(service: ServiceSpec, lineage: Lineage) -> ServiceSpec:
    """Return the service with all marks as annotations, and as labels where a label can hold them.

    Annotations go into payload events, where the model's version tells revisions apart.
    """
    annotations = marks(lineage)
    labels = {name: value for name, value in annotations.items() if LABEL.fullmatch(value)}
    return replace(
        service,
        labels={**service.labels, **labels},
        annotations={**service.annotations, **annotations},
    )
