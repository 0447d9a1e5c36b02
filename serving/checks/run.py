"""The order of the checks: what can be told before a revision is made, then the revision itself."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kanaria.components.shared.serving_samples import ServingSamples
from kanaria.serving.checks import cluster_facts, infrastructure, policy
from kanaria.serving.checks.result import Result, Verdict, skipped
from kanaria.serving.checks.revision import API_CALL, LOAD, SIGNATURE, Revision
from kanaria.serving.checks.revision_calls import RevisionCalls
from kanaria.serving.inference_service.manifest import build
from kanaria.serving.inference_service.spec import ServiceSpec

if TYPE_CHECKING:  # Local serving loads no Kubernetes client.
    from kanaria.serving.kubernetes_client import KubernetesClient

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

    policy: policy.Policy
    model: Path
    samples: ServingSamples | None
    cluster: "KubernetesClient | None"
    ready_seconds: float

    def before(self, service: ServiceSpec) -> tuple[Result, ...]:
        """Return what is known before the revision is made."""
        limits = self.policy.infrastructure
        if not limits:
            return (skipped(infrastructure.NAME, OFF),)
        facts = cluster_facts.read(self.cluster, service, self.model)
        return (infrastructure.check(facts, service, build(service), limits),)

    def at_zero(self, service: ServiceSpec, url: str) -> tuple[Result, ...]:
        """Return what a ready revision shows at its own URL.

        Raises:
            NotReadyError: nothing answers there.
        """
        wanted = {
            SIGNATURE: self.policy.signature,
            API_CALL: bool(self.policy.api_call),
            LOAD: bool(self.policy.load),
        }
        if self.samples is None or not any(wanted.values()):
            return tuple(skipped(n, NO_SAMPLES if on else OFF) for n, on in wanted.items())
        return asyncio.run(self._of_revision(service, url, self.samples))

    async def _of_revision(
        self, service: ServiceSpec, url: str, samples: ServingSamples
    ) -> tuple[Result, ...]:
        limits, off = self.policy, {n: skipped(n, OFF) for n in (SIGNATURE, API_CALL, LOAD)}
        async with RevisionCalls(url) as calls:
            await calls.reach(self.ready_seconds)
            revision = Revision(
                calls=calls,
                name=service.name,
                protocol=service.server.protocol_version,
                samples=samples,
            )
            signature = await revision.check_signature() if limits.signature else off[SIGNATURE]
            api = (
                await revision.check_answers(limits.api_call) if limits.api_call else off[API_CALL]
            )
            if limits.load and api.verdict is Verdict.FAILED:
                return signature, api, skipped(LOAD, "not run, because the API call test failed")
            load = await revision.check_load(limits.load) if limits.load else off[LOAD]
            return signature, api, load
