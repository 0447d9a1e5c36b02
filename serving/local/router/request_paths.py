"""Which requests may reach a predictor: predict, infer, metadata and readiness. Pure.

    POST  /v1/models/NAME[/versions/N]:predict      POST  /v2/models/NAME[/versions/N]/infer
    GET   /v1/models/NAME[/versions/N][/metadata]   GET   /v2/models/NAME[/versions/N][/ready]

Model servers offer more below the same port (KServe's and Triton's load and unload models), which
is their operator's and not their clients'.
"""

import re
from dataclasses import dataclass

_MODEL = r"/models/[^/:]+(/versions/[^/:]+)?"
ASKING = re.compile(rf"/v1{_MODEL}:predict|/v2{_MODEL}/infer")
LOOKING = re.compile(rf"/v1{_MODEL}(/metadata)?|/v2{_MODEL}(/ready)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Why a request reaches no predictor: the code and the text of the answer."""

    code: int
    why: str


def refusal(method: str, path: str) -> Refusal | None:
    """Return why a request may not reach a predictor, or None when it may.

    Args:
        method: of HTTP.
        path: as it was sent, nothing decoded, without a query.
    """
    if ASKING.fullmatch(path):
        allowed = ["POST"]
    elif LOOKING.fullmatch(path):
        allowed = ["GET", "HEAD"]
    else:
        return Refusal(code=404, why=f"{path}: not served; use /v1/models/NAME:predict")
    if method in allowed:
        return None
    return Refusal(code=405, why=f"{path}: {method} is not served; use {allowed[0]}")
