"""Reads and writes YAML: configurations, policies, watch files, manifests, pipelines.

One reader for all of them, so that each is understood alike and each fault is one line with its
place. It reads what JSON can hold, as the receivers of all these files do:

what looks like a date or a time         is text
1e-3                                     is a number, as in YAML 1.2
yes, no, on, off                         are true and false, as kubectl and kfp read them
010, -007                                are refused: 8 in YAML 1.1, 10 in YAML 1.2
1e999                                    is refused: it is beyond all numbers
sets, binary and ordered maps, objects   are refused
a key that stands twice, or is no text   is refused
an alias                                 is followed; one that holds itself, or aliases that make
                                         a small file a huge one, are refused

Sources: YAML 1.2.2, sections 3.2.1.1 and 10.3; yaml/pyyaml issues 165, 173 and 235.
"""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from kanaria.components.shared.errors import ParameterError, shown

MOST_BYTES = 4 << 20
"""Of a file; it is read in a few seconds. Kubernetes takes 3 MiB."""
MOST_WRITTEN_OUT = 1_000_000
"""Characters that a document may come to when its aliases are written out."""
LONGEST_KEY = 1000
TAG = "tag:yaml.org,2002:"
KINDS = ("null", "bool", "int", "float", "str", "seq", "map")
OWN = ("int", "float", "timestamp", "value")
"""What plain text PyYAML takes for these kinds is said anew here, or never meant."""
INTEGER = re.compile(r"^[-+]?(?:[0-9][0-9_]*|0x[0-9a-fA-F_]+|0b[01_]+)$")
FLOAT = re.compile(
    r"^(?:[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*|[0-9][0-9_]*(?=[eE]))(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
AMBIGUOUS = re.compile(r"[-+]?0[0-9_]+")
SURROGATE = re.compile("[\ud800-\udfff]")
REMEDIES = {
    r"'\t'": "indent with spaces",
    "mapping values are not allowed": "put a value that holds ': ' in quotes",
    "cannot start any token": "put the value in quotes",
    "undefined alias": "put the value in quotes, or name its anchor before",
    "end of stream": "close what is open here",
    "stream end": "close what is open here",
}


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, held to what JSON can hold."""

    yaml_constructors = {  # noqa: RUF012 - PyYAML's own way to say it.
        f"{TAG}{kind}": yaml.SafeLoader.yaml_constructors[f"{TAG}{kind}"] for kind in KINDS
    }
    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, form) for tag, form in resolvers if tag.removeprefix(TAG) not in OWN]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Return the value of a node."""
        try:
            value = super().construct_object(node, deep)
        except (ValueError, KeyError, IndexError) as error:
            raise _fault(node, f"this is no {node.tag.removeprefix(TAG)}") from error
        if node.tag == f"{TAG}int" and AMBIGUOUS.fullmatch(node.value):
            raise _fault(node, "leave out the leading zero, or put it in quotes for text")
        if isinstance(value, float) and math.isinf(value) and "inf" not in node.value.lower():
            raise _fault(node, "this number is too large; put it in quotes for text")
        if isinstance(value, str) and SURROGATE.search(value):
            raise _fault(node, "half a character may not stand alone; write the whole one")
        return value


class _Dumper(yaml.SafeDumper):
    """PyYAML's safe dumper; it puts text in quotes that either loader takes for a number."""

    def ignore_aliases(self, _data: Any) -> bool:
        """Write everything out where it stands."""
        return True


for _kind in (_Loader, _Dumper):
    _kind.add_implicit_resolver(f"{TAG}int", INTEGER, list("-+0123456789"))
    _kind.add_implicit_resolver(f"{TAG}float", FLOAT, list("-+.0123456789"))
# What Go's readers, kubectl's with them, take for no text beside; PyYAML writes it without quotes.
_Dumper.add_implicit_resolver(f"{TAG}bool", re.compile("[yYnN]$"), list("yYnN"))
_Dumper.add_implicit_resolver(f"{TAG}int", re.compile("[-+]?0o[0-7]+$"), list("-+0"))


def _refuse(_: _Loader, node: yaml.Node) -> None:
    tag = node.tag.replace(TAG, "!!")
    raise ConstructorError(
        problem=f"{tag} is not taken; write text, numbers, lists and mappings",
        problem_mark=node.start_mark,
    )


_Loader.add_constructor(None, _refuse)  # For what has no constructor of its own.


def dump(*documents: Any, sort_keys: bool = False) -> str:
    """Return the documents as YAML, which this reader, YAML 1.1 and 1.2 read alike."""
    return str(yaml.dump_all(documents, Dumper=_Dumper, sort_keys=sort_keys, width=100))


def _fault(node: yaml.Node, problem: str) -> ConstructorError:
    value = f"{shown(node.value)}: " if isinstance(node, yaml.ScalarNode) else ""
    return ConstructorError(problem=f"{value}{problem}", problem_mark=node.start_mark)


def _check_keys(node: yaml.MappingNode) -> None:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag not in (f"{TAG}str", f"{TAG}merge"):
            raise _fault(key, "a key must be text; put it in quotes")
        if len(key.value) > LONGEST_KEY:
            raise _fault(key, f"a key may have {LONGEST_KEY} characters")
        if key.value in lines:
            raise _fault(key, f"the key stands twice, first in line {lines[key.value]}")
        lines[key.value] = key.start_mark.line + 1


def _check(document: yaml.Node) -> None:
    """Raise unless all keys are text and differ, and aliases leave the document small."""
    sizes: dict[int, int | None] = {}
    has_aliases = False

    def size(node: yaml.Node) -> int:
        nonlocal has_aliases
        if id(node) in sizes:
            characters = sizes[id(node)]
            if characters is None:
                raise _fault(node, "what is named here holds itself; write it out")
            has_aliases = True
            return characters
        sizes[id(node)] = None
        if isinstance(node, yaml.MappingNode):
            _check_keys(node)
        parts = [] if isinstance(node, yaml.ScalarNode) else node.value
        inner = sum(size(p) if isinstance(p, yaml.Node) else size(p[0]) + size(p[1]) for p in parts)
        characters = inner + (len(node.value) if isinstance(node, yaml.ScalarNode) else 0) + 1
        sizes[id(node)] = characters
        return characters

    if size(document) > MOST_WRITTEN_OUT and has_aliases:
        raise _fault(
            document, f"its aliases make more than {MOST_WRITTEN_OUT} characters; use fewer"
        )


def _next(loader: _Loader) -> yaml.Node | None:
    try:
        return loader.get_node() if loader.check_node() else None
    except ValueError as error:  # What an escape asks for that is no character.
        mark = loader.get_mark()
        raise yaml.MarkedYAMLError(problem=str(error), problem_mark=mark) from error


def _documents(text: str) -> Iterator[Any]:
    loader = _Loader(text)
    try:
        while (node := _next(loader)) is not None:
            _check(node)
            yield loader.construct_document(node)
    finally:
        loader.dispose()


def parse_all(text: str, where: str) -> list[Any]:
    """Return the documents of a YAML text as JSON values; none for an empty text.

    Args:
        text: what the user wrote.
        where: what it is called in an error: its file, or its option.

    Raises:
        ParameterError: it is no YAML, or holds what JSON cannot hold; with line and column.
    """
    try:
        return list(_documents(text))
    except yaml.MarkedYAMLError as error:
        raise ParameterError(_fault_text(where, text, error)) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        fault = f"not YAML: the character {shown(chr(error.character))} may not stand in it"
        raise ParameterError(f"{where}: line {line}: {fault}; remove it") from error
    except RecursionError as error:
        raise ParameterError(f"{where}: not YAML: it is nested too deeply; make it flat") from error


def parse(text: str, where: str) -> Any:
    """Return the one document of a YAML text, None if there is none; see `parse_all`."""
    documents = [document for document in parse_all(text, where) if document is not None]
    if len(documents) > 1:
        raise ParameterError(f"{where}: {len(documents)} documents; write one, without `---` in it")
    return documents[0] if documents else None


def _fault_text(where: str, text: str, error: yaml.MarkedYAMLError) -> str:
    problem = " ".join(str(error.problem).split())
    remedy = next((said for part, said in REMEDIES.items() if part in problem), "mend this line")
    mark = error.problem_mark
    if remedy == REMEDIES["end of stream"] and error.context_mark:
        mark = error.context_mark  # Where it was opened; the end says nothing.
    if isinstance(error, ConstructorError):
        fault = problem
    else:
        context = f"{error.context} " if error.context else ""
        fault = f"not YAML: {context}{problem}; {remedy}"
    if mark is None:
        return f"{where}: {fault}"
    lines = text.splitlines()
    line = f", in {shown(lines[mark.line])}" if mark.line < len(lines) else ""
    return f"{where}: line {mark.line + 1}, column {mark.column + 1}: {fault}{line}"


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ParameterError(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > MOST_BYTES:
        size = f"{len(content)} bytes are more than {MOST_BYTES}"
        raise ParameterError(f"{path}: {size}; keep data out of it")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        fault = f"byte 0x{content[error.start]:02x} is no UTF-8; save the file as UTF-8"
        raise ParameterError(f"{path}: line {line}: {fault}") from error


def read_all(path: Path) -> list[Any]:
    """Return the documents of a YAML file in UTF-8; see `parse_all`.

    Raises:
        ParameterError: the file cannot be read, is larger than 4 MiB or not UTF-8, or as
            `parse_all`.
    """
    return parse_all(_text(path), str(path))


def read(path: Path) -> Any:
    """Return the one document of a YAML file, None if there is none; see `read_all`."""
    return parse(_text(path), str(path))
