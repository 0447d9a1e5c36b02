"""Which detector somebody names: `{kind: mmd, alpha: 0.01}`, and with it a folder to load it from.

kind      of `detector_registry`, by its name or its abbreviation, or `alibi`
folder    where it lies, for who compares: what fit_drift_detector wrote, or an artefact of
          Alibi Detect; a path or a URI
the rest  parameters of the kind; of a fitted detector those that it was fitted with stay as
          they are where none is given
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from kanaria.components.shared.command_line import meant
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.config.validation import add_invalid
from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.serving.drift import saved_detector
from kanaria.serving.drift.alibi import artefact
from kanaria.serving.drift.alibi.alibi_detect import AlibiDetect
from kanaria.serving.drift.detector import Detector, Reference
from kanaria.serving.drift.detector_registry import ALIBI, DEFAULT, kind_of

KIND, FOLDER = "kind", "folder"
OF_ALIBI = "config.toml"


@dataclass(frozen=True, kw_only=True, slots=True)
class AlibiSettings:
    """What an artefact of Alibi Detect can be told.

    Attributes:
        least: the smallest effect that matters, which Alibi Detect does not know; none: the
            detector's own default.
        accept_bsl: you may run Alibi Detect itself under its licence, for its detectors that are
            not read without it.
    """

    least: float | None = None
    accept_bsl: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A detector that somebody named, checked.

    Attributes:
        kind: name of a kind, `alibi`, or "" for whatever lies in the folder.
        folder: where it lies, or "".
        parameter_names: those that were named.
        settings: the parameters of the kind, defaults filled in; None without a kind.
    """

    kind: str = ""
    folder: str = ""
    parameter_names: tuple[str, ...] = ()
    settings: Any = field(default=None)

    def __str__(self) -> str:
        """Return what a person calls it: where it lies, or its kind."""
        return self.folder or self.kind


def fitted_anew(document: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> Any:
    """Return the detector that `document` names, to be fitted; without a kind `table`.

    Args:
        document: {"kind": "mmd", "alpha": 0.01}.
        defaults: parameters that the data tell, where the kind has them and the document does not.

    Raises:
        ParameterError: kind or parameters are wrong; all faults are named.
    """
    if document.get(KIND) == ALIBI:
        raise ParameterError(
            f"kind={ALIBI}: Alibi Detect itself fits it; save it there, and give its folder to who "
            "compares"
        )
    kind = kind_of(_text(document, KIND) or DEFAULT)
    parameters = {key: value for key, value in document.items() if key != KIND}
    filled = {key: value for key, value in (defaults or {}).items() if key in kind.parameters}
    return _settings(kind.name, kind.settings, filled | parameters)


def chosen(document: Mapping[str, Any]) -> Choice:
    """Return the choice that `document` makes of a detector that was fitted before.

    Args:
        document: {"kind": "mmd", "folder": "s3://...", "alpha": 0.01}.

    Raises:
        ParameterError: kind or parameters are wrong; all faults are named.
    """
    parameters = {key: value for key, value in document.items() if key not in (KIND, FOLDER)}
    name = _text(document, KIND)
    if not name:
        raise ParameterError("kind is missing: name it, or give the folder alone")
    if name == ALIBI:
        settings = _settings(ALIBI, AlibiSettings, parameters)
    else:
        kind = kind_of(name)
        name, fixed = kind.name, sorted(set(kind.fixed) & set(parameters))
        if fixed:
            raise ParameterError(
                f"{name}: {', '.join(fixed)}: set when it is fitted; fit it anew with them"
            )
        settings = _settings(name, kind.settings, parameters)
    folder = _text(document, FOLDER)
    return Choice(
        kind=name, folder=folder, parameter_names=tuple(sorted(parameters)), settings=settings
    )


def load(folder: Path, choice: Choice | None = None) -> tuple[Detector[Any], Reference]:
    """Return the detector and the reference in `folder`.

    Args:
        folder: as `saved_detector.save` writes it, or an artefact of Alibi Detect.
        choice: of the kind that must lie there, with the parameters that are to be changed.

    Raises:
        DataError: there is no detector, one of another kind, or one that cannot be read here.
        ParameterError: parameters do not fit the others, or Alibi Detect is needed and may not be
            used or is not installed.
    """
    choice = choice or Choice()
    is_of_alibi = (folder / OF_ALIBI).is_file() and not (folder / saved_detector.DETECTOR).is_file()
    if choice.kind == ALIBI or (is_of_alibi and not choice.kind):
        return _of_alibi(folder, choice.settings or AlibiSettings())
    detector, reference = saved_detector.load(folder)
    if choice.kind and detector.name != choice.kind:
        raise DataError(
            f"{folder}: its detector is of kind {detector.name}, asked for is {choice.kind}; fit "
            f"one with detector={{'{KIND}': '{choice.kind}'}}, or name the kind that is there"
        )
    changed = {name: getattr(choice.settings, name) for name in choice.parameter_names}
    return replace(detector, **changed) if changed else detector, reference  # type: ignore[type-var]


def _of_alibi(folder: Path, settings: AlibiSettings) -> tuple[Detector[Any], Reference]:
    if not settings.accept_bsl or artefact.is_readable(folder):
        return artefact.load(folder, least=settings.least)
    return AlibiDetect.load(folder, accept_bsl=True)


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key, "")
    if not isinstance(value, str):
        raise ParameterError(f"{key}={shown(value)}: write a text")
    return value


def _settings(name: str, settings: type[Any], values: Mapping[str, Any]) -> Any:
    """Return the parameters of a kind; every one that is wrong is named.

    Raises:
        ParameterError: parameters are unknown, of another type, or out of their range.
    """
    faults, parameters = Faults(name), [one.name for one in fields(settings)]
    unknown = [key for key in values if key not in parameters]
    for key in unknown:
        near = meant(str(key), parameters) or f"; it has {', '.join(parameters)}"
        faults.add(f"{key}={shown(values[key])}: no such parameter{near}")
    accepted = {key: value for key, value in values.items() if key in parameters}
    adapter = TypeAdapter(settings)
    try:
        checked = _within(adapter, accepted, faults, settings.__name__)
    except ValidationError as error:
        add_invalid(faults, error)
        wrong = {str(fault["loc"][0]) for fault in error.errors() if fault["loc"]}
        rest = {key: value for key, value in accepted.items() if key not in wrong}
        checked = _within(adapter, rest, faults, settings.__name__)
    faults.raise_if_any()
    return checked


def _within(adapter: TypeAdapter[Any], held: Mapping[str, Any], faults: Faults, name: str) -> Any:
    """Return the settings; what is out of range goes to `faults`."""
    try:
        return adapter.validate_python(held)
    except ParameterError as error:
        faults.add(str(error).removeprefix(f"{name}: "))
        return None
