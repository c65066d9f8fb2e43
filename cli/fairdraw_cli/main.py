"""The program `fairdraw`: which command is where, and how mistakes are told.

Exit codes: 0 holds or done, 1 does not hold, 2 usage or input error, 3 cannot tell. Errors are one line on standard
error, `fairdraw: error: …`, with no capital and no full stop; with `--json` a program reads the same as
`{"error": {"code": …, "params": {…}}}` on standard output. No mistake of a user's and no file of a stranger's may end
in a traceback: what nobody foresaw is told as a fault of the program, and shown in full where `FAIRDRAW_DEBUG=1`.
"""

import gc
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import click

from fairdraw.errors import Error
from fairdraw_cli.helping import Group, Tree, texts
from fairdraw_cli.session import DOES_NOT_HOLD, LANGUAGES, Session

if TYPE_CHECKING:
    from transparency_log.errors import LogError

USAGE_ERROR: Final = 2
INTERRUPTED: Final = 130
CLOSED_PIPE: Final = 141  # 128 and SIGPIPE, as a shell tells it; 1 would say that a draw does not hold
DEBUG: Final = "FAIRDRAW_DEBUG"
YOUNG: Final = 50_000  # new objects before some are looked through: what a command loads is no garbage
FORKING: Final = ("witness-ahead", "witness-differs")  # what a witness saw contradicts the log: no mistake of a user's
REASON_LENGTH: Final = 200  # characters: an exception may quote a whole file

COMMANDS: Final[Tree] = {
    "demo": "demo:demo",
    "init": "start:init",
    "doctor": "doctor:doctor",
    "witness": {
        "add": "start:witness_add",
        "create": "witness:create",
        "serve": "witness:serve",
        "status": "witness:status",
        "sign": "witness:sign",
    },
    "supervisor": {
        "add": "start:supervisor_add",
        "create": "supervise:create",
        "commit": "supervise:commit",
        "reveal": "supervise:reveal",
        "deposit": "supervise:deposit",
        "attest": "supervise:attest",
        "rotate": "supervise:rotate",
        "lost": "supervise:lost",
        "cosign": "oversee:cosign",
        "freeze": "oversee:freeze",
        "openings": "oversee:openings",
        "vouch": "release:vouch",
        "invite": "phone:invite",
        "enrol": "phone:enrol",
        "take": "phone:take",
        "desk": "phone:desk",
    },
    "key": {
        "new": "key:new",
        "show": "key:show",
        "encrypt": "key:encrypt",
        "decrypt": "key:decrypt",
        "rotate": "key:rotate",
        "lost": "key:lost",
    },
    "four-eyes": "key:four_eyes",
    "regulation": {"list": "regulation:list_", "show": "regulation:show", "check": "regulation:check"},
    "items": {"log": "plan:log_items"},
    "plan": {"check": "plan:check_plan", "log": "plan:log_plan"},
    "map": {"propose": "map:propose", "preview": "map:preview"},
    "template": "template:template",
    "freeze": "freeze:freeze",
    "announce": "announce:announce",
    "seeds": {"close": "later:seeds_close"},
    "events": {"check": "events:check", "close": "events:close"},
    "pulse": {
        "fetch": "pulse:fetch",
        "import": "pulse:import_pulse",
        "show": "pulse:show",
        "practice": "pulse:practice",
        "pin": "pulse:pin",
    },
    "draw": "draw:draw",
    "ceremony": "ceremony:ceremony",
    "sign": "oversee:sign",
    "call": "substitute:call",
    "substitute": "substitute:substitute",
    "defer": "acts:defer",
    "except": "acts:except_",
    "evidence": "acts:evidence",
    "result": "results:result",
    "correct": "results:correct",
    "object": "acts:object_",
    "answer": "acts:answer",
    "open": "later:open_draw",
    "void": "later:void",
    "slip": "slip:slip",
    "print": "print:print_",
    "openings": "openings:openings",
    "receipt": "oversee:receipt",
    "export": {
        "numbers": "export:numbers",
        "dispatch": "export:dispatch",
        "drawn": "export:drawn",
        "due": "export:due",
    },
    "registry": {"diff": "registry:diff"},
    "verify": "verify:verify",
    "audit": "audit:audit_log",
    "serve": "service:serve",
    "token": {"new": "service:token_new", "list": "service:token_list", "revoke": "service:token_revoke"},
    "site": {"build": "site:build_site", "address": "release:address", "release": "release:release"},
    "log": {
        "checkpoint": "log:checkpoint",
        "entry": "log:entry",
        "proof": "log:proof",
        "check": "log:check",
        "add": "log:add",
        "serve": "serve:serve",
        "follow": "follow:follow",
        "evidence": "follow:evidence",
        "mirror": "mirror:mirror",
        "freeze": "keep:freeze",
        "gc": "keep:gc",
        "backup": "keep:backup",
        "restore": "keep:restore",
        "cosign": {"ask": "cosign:ask", "export": "cosign:export", "import": "cosign:import_answer"},
    },
}

# A plugin of pydantic's, which any installed package can bring, would see and could change every value that is read.
os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"

program = Group(COMMANDS, name="fairdraw", no_args_is_help=True, version=True)


def main() -> None:
    """Run the program, and end it with an exit code."""
    gc.set_threshold(YOUNG)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal of another encoding must not stop a draw
    code = run(sys.argv[1:])
    if code == CLOSED_PIPE:
        for stream in (sys.__stdout__, sys.__stderr__):
            if stream is not None:
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # what is still buffered has no reader
    gc.freeze()  # nor is it looked through once more before all memory is given back
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; whatever its user did wrong becomes one line."""
    session = Session()
    _common_first(session, arguments)
    try:
        return _run(session, arguments)
    except BrokenPipeError:
        return CLOSED_PIPE  # `fairdraw … | head` is nobody's mistake


def _run(session: Session, arguments: Sequence[str]) -> int:
    try:
        return int(program.main(list(arguments), prog_name="fairdraw", obj=session, standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help(), err=True)
        return USAGE_ERROR
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except SystemExit as ended:
        return CLOSED_PIPE if ended.code else 0  # click ends the process with 1 where standard output is closed
    except BrokenPipeError:
        raise
    except Exception as error:
        foreseen = isinstance(error, (click.ClickException, OSError, *_told()))
        if not foreseen and os.environ.get(DEBUG) == "1":
            raise
        return _fail(session, *_explained(session, error))


def _explained(session: Session, error: Exception) -> tuple[str, str, Mapping[str, object]]:
    """Return an error's sentence, and its code and parameters for a program."""
    if isinstance(error, click.ClickException):
        told = _usage(session, error) if isinstance(error, click.UsageError) else error.format_message()
        return told, "usage", {"reason": error.format_message()}
    if isinstance(error, _told()):
        return session.error(error), error.code, error.params
    if isinstance(error, OSError):
        params = {"file": error.filename or "", "reason": error.strerror or str(error)}
        return session.word("system.failed", **params), "system", params
    # The last resort: a traceback tells a bureau nothing, and its exit code 1 would tell it a lie.
    fault = {"type": type(error).__name__, "reason": str(error)[:REASON_LENGTH]}
    return session.word("system.fault", **fault, variable=f"{DEBUG}=1"), "fault", fault


def _told() -> tuple[type[Error] | type["LogError"], ...]:
    """Return the errors with a code. Evaluated when something went wrong: the log's package loads cryptography."""
    from transparency_log.errors import LogError

    return Error, LogError


def _common_first(session: Session, arguments: Sequence[str]) -> None:
    """Take the language and `--json` before anything is read, so that a mistake on the line is told in them."""
    session.json = "--json" in arguments
    for at, argument in enumerate(arguments):
        name, _, value = argument.partition("=")
        if name == "--lang":
            value = value or (arguments[at + 1] if at + 1 < len(arguments) else "")
            session.lang = value if value in LANGUAGES else session.lang


def _usage(session: Session, error: click.UsageError) -> str:
    """Return what is wrong with the line, in the session's language."""
    word = texts(session.lang)["word"]
    match error:
        case click.NoSuchOption():
            told = word["no-such-option"].format(name=error.option_name)
        case click.MissingParameter(param=click.Parameter() as missing):
            told = word["missing"].format(name=_name(missing))
        case click.BadParameter(param=click.Parameter() as wrong):
            told = word["bad-value"].format(name=_name(wrong), reason=error.message.rstrip("."))
        case _ if error.message.startswith("Missing command"):
            told = word["missing-command"]
        case _ if error.message.startswith("No such command"):
            told = word["no-such-command"].format(name=error.message.split("'")[1])
        case _ if error.message.startswith("Got unexpected extra"):
            told = word["extra"].format(names=error.message.partition("(")[2].rstrip(")."))
        case _:
            told = error.message.rstrip(".")
    return told + (word["see-help"].format(command=error.ctx.command_path) if error.ctx else "")


def _name(parameter: click.Parameter) -> str:
    return max(parameter.opts, key=len) if isinstance(parameter, click.Option) else parameter.human_readable_name


def _fail(session: Session, sentence: str, code: str, params: Mapping[str, object]) -> int:
    session.failed(code, params)
    click.echo(f"fairdraw: error: {sentence}", err=True)
    return DOES_NOT_HOLD if code in FORKING else USAGE_ERROR


if __name__ == "__main__":
    main()
