"""The command line. What a command needs beyond click is imported when it runs, so that `--help` is quick."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.duration import SECOND, format_duration, parse_duration, seconds
from engine.errors import CommandError, ParameterError, ScenarioError, SwarmscopeError
from swarmscope import __version__

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from app.recording import Recording
    from engine.commands import Timed
    from engine.scenario import Scenario
    from engine.simulation import Simulation

PROGRAM = "swarmscope"
COMPLETE = "_SWARMSCOPE_COMPLETE"
BROKE, USAGE, FAULT, INTERRUPTED, CLOSED = 1, 2, 70, 130, 141
"""Exit status: a safety invariant broke; bad usage; a fault of ours; Ctrl+C; standard output closed."""

FAULT_WORDS = "this is a fault in Swarmscope, or in the scenario if it is your own; the lines above say where"
CHUNK = 20_000  # events between two looks at the progress bar
WATCHED_CHUNK = 1_000  # and where a file is written as the run goes


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line on `args` (those of the process, if None), and return the exit status."""
    _open_missing_streams()
    try:
        status = _dispatch(list(sys.argv[1:] if args is None else args))
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Nobody reads on (`| head`). What is still buffered would raise again when Python exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED
    except (KeyboardInterrupt, click.Abort):
        _complain("interrupted")
        return INTERRUPTED
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else PROGRAM
        _complain(f"{error.format_message().rstrip('.')} (see {command} --help)")
        return USAGE
    except click.ClickException as error:
        _complain(error.format_message())
        return USAGE
    except SwarmscopeError as error:
        _complain(str(error))
        return USAGE
    except OSError as error:
        _complain(f"{error.filename or 'standard output'}: {error.strerror or error}")
        return USAGE
    except Exception:
        import traceback

        traceback.print_exc()
        _complain(FAULT_WORDS)
        return FAULT


def _dispatch(args: list[str]) -> int:
    if COMPLETE in os.environ:
        from app.completion import complete

        return complete(cli, os.environ[COMPLETE])
    try:
        with cli.make_context(PROGRAM, args) as context:
            return int(cli.invoke(context) or 0)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code


def _open_missing_streams() -> None:
    """Give a process that was started without standard streams (`>&-`) ones that lead nowhere."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115
        elif mode == "w" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _complain(sentence: str) -> None:
    click.echo(f"{PROGRAM}: {sentence}", err=True)


class Seed(click.ParamType[int]):
    """A seed: 0 <= seed < 2**64."""

    name = "integer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        seed = int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else -1
        if not 0 <= seed < 2**64:
            self.fail(f"{text!r} is no seed; write a whole number from 0 to {2**64 - 1}", param, ctx)
        return seed


class VirtualTime(click.ParamType[int]):
    """A duration such as `90`, `1.5s`, `250ms`, `2m`, as microseconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return parse_duration(value)
        except ParameterError as error:
            self.fail(str(error), param, ctx)


class Speed(click.ParamType[float]):
    """Virtual seconds per real second, above 0; a trailing `x` is welcome."""

    name = "factor"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            speed = float(str(value).removesuffix("x"))
        except ValueError:
            speed = 0.0
        if str(value) == "max":
            return float("inf")
        if not 0 < speed < float("inf"):
            self.fail(f"{value!r} is no speed; write a number above 0, such as 4 or 0.5, or max", param, ctx)
        return speed


def _complete_scenario(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    from app.completion import scenarios

    return scenarios(incomplete)


def _complete_setting(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    from app.completion import settings

    return settings(incomplete)


class Commands(click.Group):
    """The group of commands; who forgets `play` or `run` before a scenario is told so."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.commands:
            from scenarios.registry import names

            if args[0] in names() or args[0].endswith(".py"):
                raise click.UsageError(
                    f"{args[0]!r} is a scenario; write {PROGRAM} play {args[0]}, or {PROGRAM} run {args[0]}",
                    ctx,
                )
        return super().resolve_command(ctx, args)


scenario_argument = click.argument("scenario", shell_complete=_complete_scenario)
settings_option = click.option(
    "-p",
    "--param",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    shell_complete=_complete_setting,
    help="Set a parameter; as often as needed. `describe` lists them.",
)
script_option = click.option(
    "--script",
    metavar="FILE",
    type=click.Path(allow_dash=True),
    help="Commands to carry out, one a line, such as `at 2s crash 10%`.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


@click.group(cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name=PROGRAM)
@click.pass_context
def cli(context: click.Context) -> int | None:
    """A laboratory for distributed agents that lives in a terminal.

    Without a command, a menu of the scenarios opens. A SCENARIO is a name that `list` shows, or the path of a
    file of your own, such as ./mine.py.
    """
    if context.invoked_subcommand is not None:
        return None
    _need_terminal("the menu")
    from app.application import run_app

    return run_app(None, {}, None, None, None, False)


@cli.command()
@scenario_argument
@settings_option
@click.option("--seed", type=Seed(), metavar="N", help="Seed of every random choice.")
@click.option("--speed", type=Speed(), metavar="X", help="Virtual seconds per real second.")
@script_option
@click.option("--paused", is_flag=True, help="Do not start at once.")
def play(
    scenario: str,
    settings: tuple[str, ...],
    seed: int | None,
    speed: float | None,
    script: str | None,
    paused: bool,
) -> int:
    """Watch a scenario on the screen."""
    from engine.params import read_params
    from scenarios.registry import find

    kind = find(scenario)
    given = _read_settings(settings)
    read_params(kind.Params, given, kind.name)
    if script == "-":
        raise ScenarioError("play needs the keyboard, so --script cannot be -; put the commands into a file")
    commands = _read_script(script, kind)
    _need_terminal("play")
    from app.application import run_app

    return run_app(scenario, given, seed, speed, commands, paused)


@cli.command()
@scenario_argument
@settings_option
@click.option("--seed", type=Seed(), metavar="N", default=0, show_default=True, help="Seed of every random choice.")
@click.option("--until", type=VirtualTime(), metavar="T", help="Stop at this virtual time: 90, 1.5s, 250ms, 2m.")
@click.option("--events", type=click.IntRange(min=0), metavar="N", help="Stop after this many events.")
@script_option
@click.option("--record", metavar="FILE", type=click.Path(), help="Write a recording, which `replay` takes.")
@click.option("--trace", metavar="FILE", type=click.Path(), help="Write every event, as JSON Lines.")
@json_option
def run(
    scenario: str,
    settings: tuple[str, ...],
    seed: int,
    until: int | None,
    events: int | None,
    script: str | None,
    record: str | None,
    trace: str | None,
    as_json: bool,
) -> int:
    """Run a scenario without a screen, and print what came out.

    It ends when the scenario says that it is over, or at its horizon, unless --until or --events say
    otherwise.
    Exit status: 0; 1 when a safety invariant broke; 2 for bad usage; 130 after Ctrl+C.
    """
    from scenarios.launch import launch, launch_sides
    from scenarios.pair import Pair
    from scenarios.registry import find

    kind = find(scenario)
    commands = _read_script(script, kind)
    given = _read_settings(settings)
    labels: tuple[str, ...] = ()
    if issubclass(kind, Pair):
        if record or trace:
            raise ScenarioError(f"{kind.name} is two runs; record each of its two scenarios by itself")
        labels = kind.labels
        _, *sims = launch_sides(kind, given, seed, commands)
        until = round(kind.horizon * SECOND) if until is None else until
    else:
        sims = [launch(kind, given, seed, commands)]
    for sim in sims:
        try:
            with ExitStack() as files:
                witnesses = _witnesses(files, sim, scenario, given, record, trace)
                stopped = _run(sim, until, events, witnesses)
        except KeyboardInterrupt:
            stopped = True
        if stopped:
            where = f"at {format_duration(sim.now)} of virtual time, after {sim.events:,} events"
            _complain(f"interrupted {where}; nothing is printed")
            return INTERRUPTED

    from app import output

    outcomes = [output.outcome(sim) for sim in sims]
    if as_json:
        click.echo(output.as_json(dict(zip(labels, outcomes, strict=True)) if labels else outcomes[0]))
    else:
        click.echo("\n\n".join(output.outcome_text(sim, outcome) for sim, outcome in zip(sims, outcomes, strict=True)))
    broken = any(one["kind"] == "safety" and not one["holds"] for outcome in outcomes for one in outcome["invariants"])
    return BROKE if broken else 0


def _witnesses(
    files: ExitStack, sim: Simulation, scenario: str, given: Mapping[str, str], record: str | None, trace: str | None
) -> list[Callable[[], None]]:
    """What is to be told of the run as it goes; `files` closes what they write to."""
    witnesses: list[Callable[[], None]] = []
    if record and trace and os.path.realpath(record) == os.path.realpath(trace):
        raise click.UsageError(f"{record} cannot be both the recording and the trace; name a file for each")
    if trace:
        from app.tracefile import TraceWriter

        witnesses.append(files.enter_context(TraceWriter(sim, trace)).note)
    if record:
        from app.history import History
        from app.recorder import Recorder

        history = History(sim, time.perf_counter)
        try:
            witnesses.append(files.enter_context(Recorder.opened(record, history, scenario, given)).note)
        except SwarmscopeError:
            if trace:
                Path(trace).unlink()  # it was made just now, and nothing will be in it
            raise
    return witnesses


def _never() -> int:
    return 0


def _run(sim: Simulation, until: int | None, events: int | None, witnesses: Sequence[Callable[[], None]] = ()) -> bool:
    """Run to the end; True if Ctrl+C ended it before, which with witnesses it does between two events only."""
    from app.interrupts import put_off
    from app.progress import Progress

    sim.stop_at(None if until is None else seconds(until), events)
    with Progress() as progress, put_off() if witnesses else nullcontext(_never) as interrupted:
        while sim.advance(WATCHED_CHUNK if witnesses else CHUNK):
            for witness in witnesses:
                witness()
            progress.update(sim.progress, f"{seconds(sim.now):,.1f} s, {sim.events:,} events")
            if interrupted():
                return True
    return False


@cli.command()
@click.argument("file", type=click.Path())
@click.option("--verify", is_flag=True, help="Run it without a screen, and hold it against its digests.")
@click.option("--anyway", is_flag=True, help="Replay it although its scenario has changed since.")
@click.option("--speed", type=Speed(), metavar="X", help="Virtual seconds per real second.")
@click.option("--paused", is_flag=True, help="Do not start at once.")
def replay(file: str, verify: bool, anyway: bool, speed: float | None, paused: bool) -> int:
    """Replay a recording, on the screen or to verify it.

    It opens with all its branches, on the first one; FILE#2 opens the second one.
    Exit status of --verify: 0 if all digests are as recorded, 1 if one differs, 2 if it cannot be replayed.
    """
    recording, number = _read_recording(file, anyway, "replay")
    if verify:
        return _verify(file, recording)
    _need_terminal("replay")
    from app.application import run_app
    from app.replay import begin

    return run_app(
        recording.scenario, recording.params, recording.seed, speed, None, paused, lambda: begin(recording, number)
    )


def _read_recording(name: str, anyway: bool, command: str) -> tuple[Recording, int]:
    """The recording in a file, and the number of the branch that `FILE#2` names. Raises RecordingError, also where its
    scenario has changed since, unless `anyway`."""
    from app.recording import RecordingError, read, split

    file, number = split(name)
    recording = read(file)
    if number > len(recording.branches) or not number:
        many = len(recording.branches)
        raise RecordingError(f"{file} has no branch {number}; it has {many}, counted from 1")
    if recording.is_changed and not anyway:
        raise RecordingError(
            f"{file} was made by another version of the scenario {recording.scenario}; "
            f"{command} --anyway runs it all the same"
        )
    return recording, number


def _verify(file: str, recording: Recording) -> int:
    from app.progress import Progress
    from app.recording import RecordingError
    from app.replay import verify
    from engine.describe import plural

    marks = [mark for branch in recording.branches for mark in branch.marks]
    if not marks:
        click.echo(f"{file} has no digest yet, so there is nothing to verify")
        return 0
    try:
        with Progress() as progress:
            difference = verify(recording, progress.update)
    except CommandError as error:
        raise RecordingError(f"{file}: {error.message}") from None
    if difference is not None:
        mark = difference.mark
        branch = f"in branch {difference.branch} " if len(recording.branches) > 1 else ""
        found = difference.found if difference.events == mark.events else f"an end after event {difference.events:,}"
        click.echo(
            f"{file} differs {branch}at event {mark.events:,} ({format_duration(mark.now)}): "
            f"recorded {mark.digest}, found {found}"
        )
        return BROKE
    last = max(marks)
    cut = "" if recording.whole else "; it was cut short there"
    digests = plural(len(marks), "digest")
    branches = f" of {len(recording.branches)} branches" if len(recording.branches) > 1 else ""
    click.echo(
        f"{file}: {digests}{branches} as recorded, up to event {last.events:,} ({format_duration(last.now)}){cut}"
    )
    return 0


@cli.command()
@click.argument("file", type=click.Path())
@click.option("--to", "form", required=True, type=click.Choice(["shiviz", "csv", "svg", "cast", "gif"]),
              help="A log with vector clocks, the metrics, a picture, a film for terminals, a film.")  # fmt: skip
@click.option("-o", "--out", metavar="OUT", type=click.Path(), help="Where to; else FILE with another suffix.")
@click.option("--from", "since", type=VirtualTime(), metavar="T", help="Where the film or the figures begin.")
@click.option("--until", type=VirtualTime(), metavar="T", help="Where they end; else where the recording does.")
@click.option("--at", type=VirtualTime(), metavar="T", help="The moment of the picture; else the end.")
@click.option("--every", type=VirtualTime(), metavar="T", help="How far apart the figures are.")
@click.option("--pane", type=click.Choice(["agents", "messages", "stage", "metrics", "story", "all"]),
              help="What to show; else all.")  # fmt: skip
@click.option("--face", type=click.Choice(["network", "sequence", "log"]), help="Of the messages pane.")
@click.option("--size", metavar="120x40", help="Columns and rows of the screen.")
@click.option("--fps", type=click.IntRange(1, 50), metavar="N", help="Frames a second; else 10.")
@click.option("--speed", type=Speed(), metavar="X", help="Virtual seconds per second of film.")
@click.option("--anyway", is_flag=True, help="Export it although its scenario has changed since.")
def export(file: str, form: str, out: str | None, size: str | None, anyway: bool, **options: Any) -> int:
    """Turn a recording into a picture, a film, figures or a ShiViz log.

    FILE#2 is the second branch of a recording. What is there already is never written over.
    Exit status: 0; 2 if it cannot be done; 130 after Ctrl+C.
    """
    from app.export.export import end_of
    from app.export.export import export as make
    from app.export.wish import Wish, beside, read_size
    from app.interrupts import ENDINGS, INTERRUPT, EndedError, put_off
    from app.progress import Progress
    from app.replay import begin

    recording, number = _read_recording(file, anyway, "export")
    if out == "":
        raise click.UsageError("-o needs the name of a file; without -o it is that of the recording")
    wish = Wish(form, out or beside(file, form), size=None if size is None else read_size(size), **options)
    with put_off(ENDINGS) as ended, Progress() as progress:

        def go_on(share: float, words: str) -> None:
            if ended():
                raise EndedError(ended())
            progress.update(share, words)

        try:
            told = make(begin(recording, number), end_of(recording, number), wish, go_on)
        except EndedError as error:
            if error.number in INTERRUPT:
                raise KeyboardInterrupt from None
            return 128 + error.number
    click.echo(f"{wish.out}: {told}")
    return 0


@cli.command()
@click.argument("one", type=click.Path())
@click.argument("other", type=click.Path())
def diff(one: str, other: str) -> int:
    """Say where two recordings first part, and how their metrics differ.

    FILE#2 is the second branch of a recording; FILE alone is the first.
    Exit status: 0 if both are the same run, 1 if they part.
    """
    from app.replay import compare

    (left, first), (right, second) = (_read_recording(name, True, "diff") for name in (one, other))
    lines = compare(left, right, (first, second))
    click.echo("\n".join(lines) if lines else f"{one} and {other} are the same run")
    return BROKE if lines else 0


@cli.command(name="list")
@json_option
def list_scenarios(as_json: bool) -> None:
    """Say which scenarios there are, and what each teaches."""
    from app import output
    from scenarios.registry import find, names

    kinds = [find(name) for name in names()]
    click.echo(output.as_json(output.listing(kinds)) if as_json else output.listing_text(kinds))


@cli.command(short_help="Say all about a scenario.")
@scenario_argument
@json_option
def describe(scenario: str, as_json: bool) -> None:
    """Say all about a scenario: parameters, commands, metrics, sources, things to try."""
    from app import output
    from scenarios.registry import find

    kind = find(scenario)
    click.echo(output.as_json(output.description(kind)) if as_json else output.description_text(kind))


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that teaches a shell to complete.

    \b
    bash:  eval "$(swarmscope completion bash)"    in ~/.bashrc
    zsh:   eval "$(swarmscope completion zsh)"     in ~/.zshrc
    fish:  swarmscope completion fish > ~/.config/fish/completions/swarmscope.fish
    """
    from app.completion import source

    click.echo(source(cli, shell))


def _read_settings(settings: Sequence[str]) -> dict[str, str]:
    """Each NAME=VALUE of `-p`; the last one of a name counts."""
    given = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name.strip():
            raise ParameterError(f"-p {setting} is not right; write it as NAME=VALUE, such as -p agents=40")
        given[name.strip()] = value
    return given


def _read_script(file: str | None, kind: type[Scenario]) -> list[Timed] | None:
    """The commands in `file` (`-` is standard input), or None where there is none."""
    if file is None:
        return None
    from scenarios.launch import read_script

    source = "standard input" if file == "-" else file
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ScenarioError(f"{source}, line {line}: this is not UTF-8; a script is text in UTF-8") from None
    except IsADirectoryError:
        raise ScenarioError(f"{source} is a folder; --script takes a file of commands") from None
    except FileNotFoundError:
        raise ScenarioError(f"there is no script {source}") from None
    except OSError as error:
        raise ScenarioError(f"the script {source} cannot be read: {error.strerror}") from None
    return read_script(text, kind, source)


def _has_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _need_terminal(what: str) -> None:
    """Raise ScenarioError where there is no terminal to draw on."""
    instead = f"`{PROGRAM} run SCENARIO` does without one"
    if not _has_terminal():
        raise ScenarioError(f"{what} needs a terminal for keyboard and screen; {instead}")
    if os.environ.get("TERM") in {"dumb", "unknown"}:
        raise ScenarioError(f"{what} needs a terminal that can move its cursor, not {os.environ['TERM']}; {instead}")
