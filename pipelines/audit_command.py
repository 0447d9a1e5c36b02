"""The command `kanaria audit`; loads nothing heavy to be listed."""

import argparse
import re
import sys
from collections.abc import Iterable
from typing import Any

HASH = re.compile(r"[0-9a-f]{64}")


def _audit(options: argparse.Namespace) -> int:
    import json

    from kanaria.components.shared.errors import ParameterError, shown
    from kanaria.pipelines import audit_lines
    from kanaria.serving.rollout.control.decision_trail import due
    from kanaria.serving.rollout.control.environment import connect
    from kanaria.serving.traffic.find_traffic import namespace_of

    if options.expect and not HASH.fullmatch(options.expect):
        raise ParameterError(f"--expect {shown(options.expect)}: a hash has 64 digits of 0-9a-f")
    namespace = namespace_of(options.namespace, options.state)
    service = f"{namespace}/{options.service}"
    with connect(options.state) as place:
        chain = place.trails.read(namespace, options.service)
        lacking = due(chain, place.store, namespace, options.service)
    if options.json:
        _say(json.dumps(each) for each in audit_lines.documents(chain))
    elif not options.verify:
        _say(audit_lines.lines(service, chain, lacking))
    audit_lines.require_sound(service, chain, lacking, options.expect)
    if options.verify:
        _say(audit_lines.verdict(service, chain, lacking, options.expect))
    return int(options.verify and bool(lacking))


def _say(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)


def add_audit(commands: Any, state: str) -> None:
    """Add `audit` to the command line; `state` is the usual state folder of local serving."""
    text = "print who decided what over a service, when and on which numbers"
    audit = commands.add_parser("audit", help=text, description=text)
    audit.add_argument("service", help="name of the InferenceService")
    audit.add_argument(
        "--namespace", default="", help="of the service; the kubeconfig context's by default"
    )
    audit.add_argument(
        "--state", default="", help=f"state folder of local serving, as {state}; else the cluster"
    )
    audit.add_argument(
        "--verify", action="store_true", help="only check the chain of hashes, and print its head"
    )
    audit.add_argument(
        "--expect",
        default="",
        metavar="HASH",
        help="fail unless the trail holds this hash, a head that you noted before",
    )
    audit.add_argument("--json", action="store_true", help="print each entry as one line of JSON")
    audit.set_defaults(command=_audit)
