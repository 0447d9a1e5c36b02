"""The order of the checks: what can be told before a revision is made, then the revision itself."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kanaria.components.shared.artifacts.serving_samples import ServingSamples
from kanaria.components.shared.errors import KanariaError
from kanaria.serving.checks import (
    check_limits,
    cluster_facts,
    compatibility_check,
    compatibility_faults,
    infrastructure_faults,
)
from kanaria.serving.checks.check_result import Result, Verdict, skipped
from kanaria.serving.checks.revision_calls import RevisionCalls
from kanaria.serving.checks.revision_checks import API_CALL, LOAD, SIGNATURE, Revision
from kanaria.serving.checks.stable_revision import StableRevision
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ServiceSpec

if TYPE_CHECKING:  # Local serving loads no Kubernetes client.
    from kanaria.serving.kubernetes_api.client import KubernetesClient

OFF = "switched off"
NO_SAMPLES = "no serving_samples were given; take them from train_model"


@dataclass(frozen=True, kw_only=True, slots=True)
class Checks:
    """The checks of one push.

    Attributes:
        policy: their limits.
        model: folder with the model's files.
        samples: rows and answers of the model, or None.
        cluster: where it is delivered, None for local serving.
        ready_seconds: to wait until the revision answers at its own URL.
    """

    policy: check_limits.Policy
    model: Path
    samples: ServingSamples | None
    cluster: "KubernetesClient | None"
    ready_seconds: float

    def before(self, service: ServiceSpec) -> tuple[Result, ...]:
        """Return what is known before the revision is made."""
        limits = self.policy.infrastructure
        if not limits:
            return (skipped(infrastructure_faults.NAME, OFF),)
        facts = cluster_facts.read(self.cluster, service, self.model)
        return (infrastructure_faults.check(facts, service, build(service), limits),)

    def at_zero(
        self, service: ServiceSpec, url: str, stable: StableRevision | None = None
    ) -> tuple[Result, ...]:
        """Return what a ready revision shows at its own URL.

        Args:
            service: that it belongs to.
            url: of its own.
            stable: the stable revision beside it, None where there is none.

        Raises:
            NotReadyError: nothing answers there.
        """
        return asyncio.run(self._at_zero(service, url, stable))

    async def _at_zero(
        self, service: ServiceSpec, url: str, stable: StableRevision | None
    ) -> tuple[Result, ...]:
        async with RevisionCalls(url) as calls:
            if self._asks(stable):
                await calls.reach(self.ready_seconds)
            revision = Revision(
                calls=calls,
                name=service.name,
                protocol=service.server.protocol_version,
                samples=self.samples or ServingSamples(inputs={}, outputs={}),
            )
            signature = await self._signature(revision)
            beside_it = [await self._beside(revision, stable)] if stable else []
            return signature, *beside_it, *await self._answers(revision)

    def _asks(self, stable: StableRevision | None) -> bool:
        limits = self.policy
        alone = limits.signature or limits.api_call or limits.load
        return bool(self.samples and alone) or bool(stable and limits.compatibility)

    def _unasked(self, check: str, on: object) -> Result:
        return skipped(check, NO_SAMPLES if on else OFF)

    async def _signature(self, revision: Revision) -> Result:
        if self.samples and self.policy.signature:
            return await revision.check_signature()
        return self._unasked(SIGNATURE, self.policy.signature)

    async def _beside(self, revision: Revision, stable: StableRevision) -> Result:
        if not self.policy.compatibility:
            return skipped(compatibility_faults.NAME, OFF)
        try:
            samples = stable.samples() or revision.samples
        except KanariaError as error:
            return skipped(compatibility_faults.NAME, f"the stable revision's samples: {error}")
        async with RevisionCalls(stable.url) as calls:
            beside = replace(revision, calls=calls, samples=samples)
            return await compatibility_check.check(revision, beside, self.ready_seconds)

    async def _answers(self, revision: Revision) -> tuple[Result, Result]:
        api_call, load = self.policy.api_call, self.policy.load
        answered, loaded = self._unasked(API_CALL, api_call), self._unasked(LOAD, load)
        if self.samples and api_call:
            answered = await revision.check_answers(api_call)
        if load and answered.verdict is Verdict.FAILED:
            loaded = skipped(LOAD, "not run, because the API call test failed")
        elif self.samples and load:
            # A pod may have a limit of processor time, and copies that come with the load.
            loaded = await revision.check_load(load, idle=self.cluster is not None)
        return answered, loaded
