"""The KFP interfaces of resolve_span and resolve_deployed."""

from kfp import dsl

from kanaria.components.shared.images import CONTROL_IMAGE


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def resolve_span(data: str) -> str:
    """Pin the data of this run by its content. Never cache this step.

    Args:
        data: Files or patterns, separated by commas.

    Returns:
        Output: The files, with "#sha256=" and the fingerprint of their content.
    """
    from kanaria.components.resolve import span

    return span.resolve_span(data)


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def resolve_deployed(service_name: str, namespace: str = "default") -> str:
    """Find the live release: the stable revision's, never the canary's. Never cache this step.

    Args:
        service_name: Name of the InferenceService.
        namespace: Its namespace.

    Returns:
        Output: URI of the release folder (model, schema, statistics), or an empty string when
            nothing is deployed.
    """
    from kanaria.components.resolve import deployed

    return deployed.resolve_deployed(service_name, namespace)
