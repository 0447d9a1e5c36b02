"""Looks at a canary's signature before it gets more requests, where KANARIA_VERIFY_KEY asks for it.

KServe's pods verify nothing: whoever may write into the store could change what a later pod loads.
What the controller finds changed gets no more requests.
"""

from kanaria.components.shared.artifacts import release, verified_release, verify_keys

WHO = "signature check"
"""Who orders the way back, in the record and in the audit trail."""


def require(model_uri: str) -> None:
    """Raise unless the release of a model is, as it lies in its store now, the signed one.

    Args:
        model_uri: what the canary's storageUri says; of a release, it is its model.

    Raises:
        DataError: it is not signed, or not what was signed.
        ParameterError: the key cannot be used, or the store refuses.
        NotReadyError: the store does not answer.
    """
    if keys := verify_keys.of_environment():
        verified_release.check(release.of_model(model_uri), keys)
