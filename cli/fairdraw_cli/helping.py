"""Help pages in two languages, and what every command has in common.

click writes help in English and measures Chinese as if it were Latin; so the pages are laid out here, from
`data/help.<lang>.toml`: a text for each command path, one for each option.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final, cast

import click

from fairdraw_cli.session import DATA, LANGUAGES, Session

Tree = Mapping[str, "str | Tree"]
OPTION_COLUMN: Final = 26
MAX_WAIT: Final = 3600  # seconds: who wants to wait longer asks again


@lru_cache(maxsize=len(LANGUAGES))
def texts(lang: str) -> dict[str, dict[str, str]]:
    """Return the help texts of a language: sections `command`, `option` and `word`."""
    import tomllib

    return tomllib.loads((DATA / f"help.{lang}.toml").read_text("utf-8"))


def path_of(ctx: click.Context) -> str:
    """Return a command's words without the program's name: "" for the program itself."""
    return ctx.command_path.partition(" ")[2]


def option_text(lang: str, path: str, option: click.Parameter) -> str:
    """Return an option's help: its own on this command, or the one that it has everywhere."""
    name = max(option.opts, key=len)
    told = texts(lang)["option"]
    return told.get(f"{path} {name}", told.get(name, ""))


def _lines(ctx: click.Context, command: click.Command) -> Iterator[str]:
    session = ctx.find_object(Session) or Session()
    told = texts(session.lang)
    word = told["word"]
    pieces = [word.get(piece, piece) for piece in command.collect_usage_pieces(ctx)]
    yield f"{word['usage']}{' '.join([ctx.command_path, *pieces])}"
    yield ""
    for line in told["command"][path_of(ctx)].strip().splitlines():
        yield f"  {line}".rstrip()
    options = [p for p in command.get_params(ctx) if isinstance(p, click.Option)]
    if isinstance(command, Group):
        yield ""
        yield word["commands"]
        names = command.list_commands(ctx)
        width = max(map(len, names))
        for name in names:
            path = f"{path_of(ctx)} {name}".strip()
            yield f"  {name:{width}}  {told['command'][path].strip().splitlines()[0]}"
    yield ""
    yield word["options"]
    for option in options:
        label = ", ".join(sorted(option.opts, key=len))
        label += "" if option.is_flag or option.count else f" {option.make_metavar(ctx)}"
        yield f"  {label:{OPTION_COLUMN}}  {option_text(session.lang, path_of(ctx), option)}".rstrip()


class Command(click.Command):
    """A command with a help page in two languages, and the options that every command has."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += common_options()

    def get_help(self, ctx: click.Context) -> str:
        """Return the help page."""
        return "\n".join(_lines(ctx, self))


class Group(click.Group):
    """Commands that are imported when they are called: `fairdraw --help` must not load what a draw needs."""

    def __init__(self, tree: Tree, *, version: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.tree = tree
        self.params += common_options()
        if version:
            self.params.append(_version_option())

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order in which one needs them."""
        return list(self.tree)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import a command, or make its group."""
        where = self.tree.get(cmd_name)
        if where is None:
            return None
        if not isinstance(where, str):
            return Group(where, name=cmd_name, no_args_is_help=True)
        module, _, function = where.partition(":")
        return cast("click.Command", getattr(import_module(f"fairdraw_cli.commands.{module}"), function))

    def get_help(self, ctx: click.Context) -> str:
        """Return the help page."""
        return "\n".join(_lines(ctx, self))


def _set(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def callback(ctx: click.Context, _parameter: click.Parameter, value: Any) -> None:
        if value is not None and value is not False:  # `--clock ""` is a mistake to be told, not a real clock
            setattr(ctx.ensure_object(Session), name, value)

    return callback


def _common(*names: str, sets: str, **kwargs: Any) -> click.Option:
    return click.Option(names, expose_value=False, callback=_set(sets), **kwargs)


def _version_option() -> click.Option:
    def callback(ctx: click.Context, _parameter: click.Parameter, value: Any) -> None:
        if value:
            from importlib.metadata import version

            click.echo(f"fairdraw {version('fairdraw')}")
            ctx.exit()

    return click.Option(["--version"], is_flag=True, is_eager=True, expose_value=False, callback=callback)


def common_options() -> list[click.Parameter]:
    """Return `--lang` and `--workspace`, which may stand before or after a command's name."""
    return [
        _common("-C", "--workspace", sets="folder", type=click.Path(path_type=Path), metavar="DIR"),
        _common("--lang", sets="lang", type=click.Choice(LANGUAGES), is_eager=True, metavar="zh|en"),
    ]


def command(
    *parameters: Callable[[Any], Any], json: bool = False, clock: bool = False, wait: bool = False
) -> Callable[[Any], Command]:
    """Make a command of a function that takes the session; `json`, `clock` and `wait` give it these options."""

    def decorate(function: Any) -> Command:
        wrapped = click.pass_obj(function)
        for parameter in reversed(parameters):
            wrapped = parameter(wrapped)
        made = click.command(cls=Command)(wrapped)
        if json:
            made.params.append(_common("--json", sets="json", is_flag=True))
        if clock:
            made.params.append(_common("--clock", sets="clock", metavar="TIME"))
        if wait:
            made.params.append(_common("--wait", sets="wait", type=click.IntRange(0, MAX_WAIT), metavar="SECONDS"))
        return made

    return decorate
