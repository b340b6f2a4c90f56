"""Makes `docs/reference.md` from the code: `make reference`.

python docs/make_reference.py            writes it
python docs/make_reference.py --check    ends with 1 where it is not what would be written
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import typer
from _pytest.config.argparsing import Parser
from _pytest.fixtures import FixtureFunctionDefinition

import touchstone.__main__ as command_line
from touchstone import config, plugin, sandbox
from touchstone.remote import target

FILE = Path(__file__).with_name("reference.md")


def reference() -> str:
    """The whole document."""
    modules = [plugin, *(import_module(name) for name in plugin.PARTS)]
    sections = [
        "# Reference",
        "Made from touchstone's code by `make reference`; what is changed here by hand is lost. "
        "How all this is used: [your-own-platform.md](your-own-platform.md), "
        "[remote.md](remote.md), [writing-scenarios.md](writing-scenarios.md).",
        *_fixtures(modules),
        *_options(modules),
        *_commands(),
        *_configuration(),
        *_target(),
    ]
    return "\n\n".join(sections) + "\n"


def _fixtures(modules: Sequence[ModuleType]) -> Iterator[str]:
    found = {
        name: (definition, module)
        for module in modules
        for name, definition in vars(module).items()
        if isinstance(definition, FixtureFunctionDefinition)
    }
    yield "## Fixtures"
    rows, given = [], {}
    for name, (definition, module) in sorted(found.items()):
        function = definition._get_wrapped_function()
        kind = _given(function)
        scope = definition._fixture_function_marker.scope
        rows.append((f"`{name}`", _code(kind), str(scope), _paragraphs(function, name)))
        if (given_class := getattr(module, kind, None)) and _is_ours(given_class):
            given[kind] = given_class
    yield _table(("fixture", "gives", "for a", "what it is"), rows)
    for each in (*given.values(), sandbox.Database, sandbox.Broker):
        yield from _class(each)


def _given(function: Any) -> str:
    """The type of what a fixture gives, as it is written in the code."""
    written: str = function.__annotations__["return"]
    return re.sub(r"^(?:Iterator|Generator)\[(.*?)(?:, None, None)?\]$", r"\1", written)


def _is_ours(kind: object) -> bool:
    """What a test is meant to call: the keeper's client and the pool are our own tools."""
    return (
        inspect.isclass(kind)
        and kind.__module__.startswith("touchstone.")
        and kind.__name__ not in ("KeeperClient", "ContextPool")
    )


def _class(kind: type) -> Iterator[str]:
    yield f"### {kind.__name__}"
    yield _paragraphs(kind, kind.__name__, "\n\n")
    rows = []
    if is_dataclass(kind):
        rows += [(f"`{name}`", _code(of), "") for name, of in _fields(kind)]
    for name, member in vars(kind).items():
        if (name.startswith("_") and name != "__call__") or name.endswith("_json"):
            continue
        if isinstance(member, property):
            rows.append((f"`{name}`", _code(_given(member.fget)), member.__doc__ or ""))
        elif inspect.isfunction(member):
            rows.append((_code(_signature(member)), _code(_given(member)), member.__doc__ or ""))
    columns = 3 if any(said for _, _, said in rows) else 2
    heads = ("name or call", "gives", "what it is")
    yield _table(heads[:columns], [tuple(map(_one_line, row[:columns])) for row in rows])


def _fields(kind: type) -> Iterator[tuple[str, str]]:
    for each in ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0].body:  # type: ignore[attr-defined]
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            yield each.target.id, ast.unparse(each.annotation)


def _signature(function: Callable[..., Any]) -> str:
    """How a method is called, as its code says it."""
    code = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(code, ast.FunctionDef)
    code.args.args = code.args.args[1:]
    name = "" if code.name == "__call__" else code.name
    return f"{name}({ast.unparse(code.args)})"


def _options(modules: Sequence[ModuleType]) -> Iterator[str]:
    parser = Parser(_ispytest=True)
    for module in modules:
        if add := getattr(module, "pytest_addoption", None):
            add(parser)
    yield "## Options of pytest"
    rows = []
    for option in parser.getgroup("touchstone").options:
        attributes = option.attrs()
        choices = attributes.get("choices")
        value = attributes.get("metavar") or ("\\|".join(choices) if choices else "")
        rows.append(
            (f"`{' '.join([*option.names(), value]).strip()}`", _one_line(attributes["help"]))
        )
    yield _table(("option", "does"), sorted(rows))
    yield "In `[tool.pytest.ini_options]`:"
    ini = [(f"`{name}`", said, default) for name, (said, _, default) in parser._inidict.items()]
    yield _table(("setting", "is", "default"), ini)


def _commands() -> Iterator[str]:
    yield "## Commands"
    rows = []
    group = typer.main.get_command(command_line.app)
    for name, command in {"": group, **group.commands}.items():  # type: ignore[attr-defined]
        words = ["touchstone", name]
        said = [command.help if name else ""]
        for parameter in command.params:
            if parameter.param_type_name == "argument":
                words.append(parameter.name.upper())
            elif "--help" not in parameter.opts:
                value = "" if parameter.is_flag else f" {parameter.name.upper()}"
                words.append(f"[{parameter.opts[0]}{value}]")
            variable = f" (also ${parameter.envvar})" if parameter.envvar else ""
            said.append(f"{parameter.opts[-1]}: {parameter.help}{variable}")
        if len(words) > 2 or name:
            rows.append(
                (
                    f"`{' '.join(filter(None, words))}`",
                    "<br>".join(map(_one_line, filter(None, said))),
                )
            )
    yield _table(("command", "does"), rows)


def _configuration() -> Iterator[str]:
    yield "## `[tool.touchstone]` in `pyproject.toml`"
    yield _fenced(config)
    yield _table(("key", "is"), [(f"`{name}`", said) for name, said in config.KEYS.items()])
    words = ", ".join(f"`{word}`" for word in sandbox.references(["NAME"]))
    yield (
        f"In values of `environment` these are replaced, for each sandbox anew: {words}. A brace "
        "that is meant as such is doubled."
    )


def _target() -> Iterator[str]:
    yield "## The file of `--target`"
    yield _fenced(target)
    yield _paragraphs(target.from_environment, "from_environment", "\n\n")


def _fenced(module: ModuleType) -> str:
    found = re.search(r"```toml\n.*?```", module.__doc__ or "", re.DOTALL)
    assert found, f"{module.__name__} shows no example"
    return found[0]


def _paragraphs(told: object, name: str, between: str = " ") -> str:
    """A docstring without what it says to programmers (`Raises:`)."""
    text = inspect.getdoc(told)
    if not text:
        raise SystemExit(f"{name} has no docstring: say there what it is, for docs/reference.md")
    kept = [part for part in text.split("\n\n") if not part.startswith("Raises")]
    return between.join(map(_one_line, kept))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`" if text not in ("", "None") else ""


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main(words: Sequence[str]) -> int:
    made = reference()
    if "--check" not in words:
        FILE.write_text(made, "utf-8")
    elif not FILE.is_file() or FILE.read_text("utf-8") != made:
        print(
            f"{FILE.name} is not what the code says any more: run `make reference`.",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
