"""Command lines: read here where they are plain, and by argparse where anything is out of the ordinary.

Both read the same declarations, those of a command's `add_arguments`. To load argparse and to build a parser takes longer than
a `status` has to do besides. What is not sure to be understood just as argparse would (help, a fault, an abbreviation, a
positional argument) is left to it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Sequence
    from types import ModuleType
    from typing import Any


class Given:
    """What a command line says, each option an attribute."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)


class _Unsure(Exception):
    """This line, or this command, is for argparse."""


class Plain:
    """Reads plain command lines. To the `add_arguments` of a command it is a parser."""

    def __init__(self) -> None:
        self._options: dict[str, tuple[str, dict[str, Any]]] = {}
        self._values: dict[str, Any] = {}

    def add_argument_group(self, _title: str) -> Plain:
        """See argparse. Groups are for help only."""
        return self

    def add_argument(self, *names: str, **settings: Any) -> None:
        """See argparse."""
        if settings.get("nargs") == "?" and not names[0].startswith("-"):
            self._values[names[0]] = settings.get("default")  # a word that fills it is for argparse
            return
        if not names[0].startswith("-") or not settings.keys() <= _KNOWN or settings.get("action", "store") not in _ACTIONS:
            raise _Unsure
        destination = next(name for name in (*names, names[0]) if name.startswith("--"))[2:].replace("-", "_")
        self._values[destination] = settings.get("default", False if settings.get("action") == "store_true" else None)
        self._options |= dict.fromkeys(names, (destination, settings))

    def __getattr__(self, name: str) -> Any:
        """Everything else that a parser can do."""
        raise _Unsure

    def read(self, arguments: Sequence[str]) -> dict[str, Any]:
        """The values of all options.

        Raises:
            _Unsure: the line is not plain.
        """
        values, waiting = dict(self._values), list(arguments)
        while waiting:
            name, equals, value = waiting.pop(0).partition("=")
            if name not in self._options or (equals and not name.startswith("--")):
                raise _Unsure
            destination, settings = self._options[name]
            action = settings.get("action", "store")
            if action == "store_true":
                if equals:
                    raise _Unsure
                values[destination] = True
                continue
            if not equals:
                value = waiting.pop(0) if waiting else "-"
                if value.startswith("-"):
                    raise _Unsure
            read = _value(value, settings)
            values[destination] = [*values[destination], read] if action == "append" else read
        return values


_ACTIONS = frozenset({"store", "store_true", "append"})
_KNOWN = frozenset({"action", "choices", "default", "help", "metavar", "type"})


def _value(text: str, settings: dict[str, Any]) -> Any:
    kind: Callable[[str], Any] = settings.get("type", str)
    try:
        value = kind(text)
    except Exception:
        raise _Unsure from None
    if value not in settings.get("choices", (value,)):
        raise _Unsure
    return value


def read_arguments(name: str, help: str, module: ModuleType, arguments: Sequence[str]) -> Namespace | Given:
    """What the command line of one command says.

    Args:
        name, help: as in the table of commands.
        module: the command's own, with its `add_arguments`.
        arguments: all that follows the command's name.

    Raises:
        SystemExit: help was asked for and given, or a fault was told.
    """
    plain = Plain()
    try:
        module.add_arguments(plain)
        return Given(plain.read(arguments))
    except _Unsure:
        from schemaspec.cli.parsers import command_parser

        parser: ArgumentParser = command_parser(name, help, module)
        return parser.parse_args(arguments)
