"""Writes docs/cli.md from the commands themselves: `python docs/generate_cli.py`; with `--check` it only compares."""

from __future__ import annotations

import inspect
import re
import sys
import types
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer
from typer.models import ArgumentInfo, OptionInfo, ParameterInfo

from workbench.cli.app import app
from workbench.settings import LeanKind

PAGE = Path(__file__).with_name("cli.md")
HEAD = (
    "# The command line\n\nThis page is generated from the commands by `docs/generate_cli.py`; a test keeps it fresh.\n"
)


def sections(group: typer.Typer, name: str) -> Iterator[str]:
    """The page's sections for all commands under a group, in Markdown."""
    for command in group.registered_commands:
        assert command.callback is not None
        title = command.name or command.callback.__name__
        yield f"\n## `{name} {title}`\n\n{plain(command.callback.__doc__ or '')}\n"
        yield "\n| | |\n|---|---|\n" + "\n".join(rows(command.callback)) + "\n"
    for child in group.registered_groups:
        assert child.typer_instance is not None
        yield from sections(child.typer_instance, f"{name} {child.name}")


def rows(function: Callable[..., Any]) -> Iterator[str]:
    """One row of a table a parameter: how it is written, and what it does."""
    hints = typing.get_type_hints(function, include_extras=True)
    for parameter in inspect.signature(function).parameters.values():
        kind, info = typing.get_args(hints[parameter.name])
        assert isinstance(info, ArgumentInfo | OptionInfo)
        text = plain(info.help or "") + default_note(info, parameter.default)
        spelling = written(parameter.name, kind, info).replace("|", "\\|")
        yield f"| `{spelling}` | {text} |"


def written(name: str, kind: object, info: ParameterInfo) -> str:
    """How a parameter is written on the command line."""
    if isinstance(info, ArgumentInfo):
        return info.metavar or name.upper()
    # In an annotation Typer's first positional argument, named for the default, holds the first spelling.
    spelling = (
        ", ".join([info.default or "", *(info.param_decls or ())])
        if info.default is not ...
        else f"--{name.replace('_', '-')}"
    )
    if kind is bool:
        return spelling
    types_ = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    value = "|".join(LeanKind) if LeanKind in types_ else "N"
    return f"{spelling} {info.metavar or value}"


def default_note(info: ParameterInfo, default: object) -> str:
    """What holds where the option is not given."""
    if isinstance(info.show_default, str):
        return f" Default: {info.show_default}."
    if default is inspect.Parameter.empty or default is None or isinstance(default, bool):
        return ""
    return f" Default: {default}."


def plain(text: str) -> str:
    """Help text as Markdown: without the console's markup, examples as code."""
    text = re.sub(r"\[/?bold\]", "**", inspect.cleandoc(text))
    return text.replace("\\[", "[")


def page() -> str:
    """The whole page."""
    assert app.info.epilog is not None
    return HEAD + f"\n{app.info.epilog}\n" + "".join(sections(app, "lemma"))


def main() -> int:
    """Writes the page, or says whether it is fresh."""
    if "--check" in sys.argv[1:]:
        fresh = PAGE.read_text(encoding="utf-8") == page()
        print("docs/cli.md is fresh" if fresh else "docs/cli.md is stale; run python docs/generate_cli.py")
        return 0 if fresh else 1
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
