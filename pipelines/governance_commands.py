"""The commands `kanaria card` and `kanaria verify`; they load nothing heavy to be listed."""

import argparse
import sys
from pathlib import Path
from typing import Any

CANARY = "canary"


def _card(options: argparse.Namespace) -> int:
    from kanaria.components.shared.command_line import tell
    from kanaria.components.shared.errors import ParameterError, shown
    from kanaria.components.shared.storage import atomic
    from kanaria.pipelines import lineage
    from kanaria.serving.model_card import card_files, card_markdown, card_page
    from kanaria.serving.rollout.control.environment import connect
    from kanaria.serving.traffic.find_traffic import namespace_of

    forms = {".md": card_markdown.render, ".html": card_page.render}
    output = Path(options.output) if options.output else None
    if output and output.suffix not in forms:
        raise ParameterError(f"--output {shown(options.output)}: name a file .md or .html")
    if lineage.is_uri(options.target):
        card = card_files.read(lineage.of_release(options.target).uri)
    else:
        namespace = namespace_of(options.namespace, options.state)
        with connect(options.state) as place:
            status = place.traffic.observe(namespace, options.target)
            links = lineage.of_service(namespace, options.target, status, {})
            trail = place.trails.read(namespace, options.target)
        link = links[-1] if options.canary else links[0]
        if link.record is None or (options.canary and link.role != CANARY):
            raise ParameterError(f"{namespace}/{options.target}: no such release of push_model")
        if trail.faults:
            tell(f"the audit trail is damaged, so decisions may lack: {trail.faults[0]}")
        card = card_files.decided(card_files.read(link.uri), trail.entries)
    if output:
        atomic.write_text(output, forms[output.suffix](card))
    else:
        sys.stdout.write(card_markdown.render(card))
    return 0


def add_card(commands: Any, state: str) -> None:
    """Add `card` to the command line; `state` is the usual state folder of local serving."""
    text = "print the model card of a release, with the decisions until now"
    card = commands.add_parser("card", help=text, description=text)
    card.add_argument(
        "target", help="name of a service, for its stable release; or path or URI of a release"
    )
    card.add_argument("--canary", action="store_true", help="of the service's canary")
    card.add_argument(
        "--namespace", default="", help="of the service; the kubeconfig context's by default"
    )
    card.add_argument(
        "--state", default="", help=f"state folder of local serving, as {state}; else the cluster"
    )
    card.add_argument(
        "-o", "--output", default="", metavar="FILE", help="write it there, as .md or .html"
    )
    card.set_defaults(command=_card)


def _verify(options: argparse.Namespace) -> int:
    from kanaria.components.shared.artifacts import verified_release
    from kanaria.components.shared.artifacts.verify_keys import VerifyKeys
    from kanaria.pipelines import lineage

    uri = lineage.release_folder(options.release)
    verified_release.check(uri, VerifyKeys.of_file(Path(options.key)))
    sys.stdout.write(f"{uri}: every file is as it was signed for {options.key}\n")
    return 0


def _sign(options: argparse.Namespace) -> int:
    from kanaria.components.push.release_signature import sign
    from kanaria.pipelines import lineage

    uri = lineage.release_folder(options.release)
    place = sign(uri, Path(options.key))
    sys.stdout.write(f"{place}: signs every file of the release\n")
    return 0


def add_sign(commands: Any) -> None:
    """Add `sign` to the command line."""
    text = "sign a release that was published without a signature"
    sign = commands.add_parser("sign", help=text, description=text)
    sign.add_argument("release", help="path or URI of a release, or of the model in it")
    sign.add_argument(
        "--key", required=True, metavar="PRIVATE.pem", help="private key of whoever signs it"
    )
    sign.set_defaults(command=_sign)


def add_verify(commands: Any) -> None:
    """Add `verify` to the command line."""
    text = "verify that every file of a release is as it was signed"
    verify = commands.add_parser("verify", help=text, description=text)
    verify.add_argument("release", help="path or URI of a release, or of the model in it")
    verify.add_argument(
        "--key", required=True, metavar="PUBLIC.pem", help="public key of whoever signed it"
    )
    verify.set_defaults(command=_verify)
