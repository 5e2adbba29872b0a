"""The manifest of a module zip: ``azml_module.json``, as frozen values.

In Python 3.8 syntax, as the runtime inside the zip reads it too.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Callable, Dict, List, Mapping, Tuple, TypeVar

from azml_magic.errors import BundleError, OptionError
from azml_magic.protocol.options import DATA, Options

MANIFEST_FILE = "azml_module.json"
FORMAT = 1
COLUMN_TYPES = ("integer", "number", "string", "boolean", "datetime", "binary", "any")
_PORTS = ("dataset1", "dataset2", "output1", "output2")

T = TypeVar("T")


@dataclass(frozen=True)
class Column:
    """A column of a recorded table.

    Attributes
    ----------
    name : str
        Its name.
    type : str
        ``"integer"``, ``"number"``, ``"string"``, ``"boolean"``, ``"datetime"``,
        ``"binary"``, or ``"any"`` for an empty column.
    nullable : bool
        Whether values were missing.
    """

    name: str
    type: str
    nullable: bool = False


Schema = Tuple[Column, ...]


@dataclass(frozen=True)
class Manifest:
    """The manifest of a module zip.

    Attributes
    ----------
    name : str
        Name of the module: ``from NAME import azureml_main``.
    profile : str
        ``"classic"`` or ``"designer"``.
    ports : tuple of str
        The input ports that are connected.
    inputs, outputs : mapping of str to Schema
        The recorded columns of the ports; ports never seen in a run are absent.
    bundle : tuple of str
        The files of the zip that make up the module's own script bundle.
    python : str
        Python version at export.
    packages : mapping of str to str
        Distributions imported by the module, and their versions at export.
    options : mapping of str to str
        Options of a run that change the module's inputs, as for ``azml_magic.run``.
    findings : tuple of mapping
        The findings at export.
    files : mapping of str to str
        SHA-256 of every other file of the zip, in hexadecimal.
    """

    name: str
    profile: str
    ports: Tuple[str, ...]
    inputs: Mapping[str, Schema]
    outputs: Mapping[str, Schema]
    bundle: Tuple[str, ...]
    python: str
    packages: Mapping[str, str]
    options: Mapping[str, str]
    findings: Tuple[Mapping[str, Any], ...]
    files: Mapping[str, str]

    @property
    def source_file(self) -> str:
        """Name of the file with the module's source."""
        return f"{self.name}.py"

    def to_json(self) -> bytes:
        """Return the file's content; the same manifest gives the same bytes."""
        value = {"format": FORMAT, **asdict(self)}
        value.update(value.pop("options"))
        return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def read_manifest(content: bytes, place: str) -> Manifest:
    """Parse an untrusted manifest.

    Parameters
    ----------
    content : bytes
        The content of the file.
    place : str
        Name of the zip, for messages.

    Raises
    ------
    BundleError
        When it is not a manifest of this format.
    """
    try:
        value = json.loads(content)
        if not isinstance(value, dict) or value.get("format") != FORMAT:
            raise ValueError(f"its format is not {FORMAT}")
        return _manifest(value)
    except (ValueError, KeyError, TypeError, RecursionError, OptionError) as error:
        raise BundleError(
            f"{MANIFEST_FILE} of {place} cannot be read: {error}", "export the module again"
        ) from error


def _manifest(value: Dict[str, Any]) -> Manifest:
    name, profile = _text(value["name"]), _text(value["profile"])
    if not name.isidentifier():
        raise ValueError("its name is not an identifier")
    # Absent options have their defaults: an older zip has fewer options.
    given = {option: value[option] for option in DATA if option in value}
    options = Options.of(profile=profile, **given).data()
    return Manifest(
        name=name,
        profile=profile,
        ports=tuple(_port(port) for port in _list(value["ports"], _text)),
        inputs=_mapping(value["inputs"], _schema),
        outputs=_mapping(value["outputs"], _schema),
        bundle=tuple(_list(value["bundle"], _text)),
        python=_text(value["python"]),
        packages=_mapping(value["packages"], _text),
        options=options,
        findings=tuple(_list(value["findings"], _plain)),
        files=_mapping(value["files"], _text),
    )


def _schema(value: Any) -> Schema:
    return tuple(_list(value, _column))


def _column(value: Any) -> Column:
    return Column(
        _text(value["name"]), _one_of(value["type"], COLUMN_TYPES), value["nullable"] is True
    )


def _port(value: str) -> str:
    return _one_of(value, _PORTS)


def _plain(value: Any) -> Dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("an object was expected")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("text was expected")
    return value


def _one_of(value: Any, choices: Tuple[str, ...]) -> str:
    if value not in choices:
        raise ValueError(f"{value!r} is not one of {', '.join(choices)}")
    return str(value)


def _list(value: Any, read: Callable[[Any], T]) -> List[T]:
    if not isinstance(value, list):
        raise ValueError("a list was expected")
    return [read(item) for item in value]


def _mapping(value: Any, read: Callable[[Any], T]) -> Dict[str, T]:
    return {name: read(item) for name, item in _plain(value).items()}
