"""Small dialogs: each asks for something, and has its answer carried out as commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest

from rich.table import Table
from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Grid, Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Checkbox, Footer, Input, Label, OptionList, Select, SelectionList, Static
from textual.widgets.option_list import Option

from app.screens.ticks import Tick, Ticks
from engine.commands import CommandSpec, Own, quote
from engine.errors import CommandError, SwarmscopeError
from engine.grammar import parse
from engine.scenario import Misbehaviour
from engine.simulation import Simulation

Commands = list[str]


class Dialog(ModalScreen[None]):
    """A box in the middle of the screen. Escape gives up; enter, or the button, is the answer.

    `carry_out` takes each command of the answer; when it raises CommandError the dialog says so, and stays.
    """

    BINDINGS = [  # noqa: RUF012
        Binding("escape", "give_up", "Cancel", id="dialog.cancel"),
        Binding("ctrl+s", "accept", "Apply", id="dialog.apply"),
    ]
    HEADING = ""
    ABOUT = ""
    ACCEPT = "Apply"
    """What the button says that is the answer."""
    carry_out: Callable[[str], None]

    def compose(self) -> ComposeResult:
        """Heading, what it is about, the fields, what is wrong with them, buttons."""
        with Vertical(id="dialog"):
            yield Label(self.HEADING, id="dialog-title")
            if self.ABOUT:
                yield Static(self.ABOUT, id="dialog-about", markup=False)
            yield from self.fields()
            yield Static("", id="dialog-problem", markup=False)
            with Horizontal(id="dialog-buttons"):
                yield Button(self.ACCEPT, variant="primary", id="accept", compact=True)
                yield Button("Cancel", id="give-up", compact=True)
        yield Footer()

    def fields(self) -> ComposeResult:
        """What is asked for."""
        yield from ()

    def answer(self) -> Commands:
        """The commands that the fields say. Raises CommandError."""
        return []

    def action_give_up(self) -> None:
        """Close without an answer."""
        self.dismiss()

    def action_accept(self) -> None:
        """Have the answer carried out and close, or say what is wrong."""
        try:
            for command in self.answer():
                self.carry_out(command)
        except CommandError as error:
            self.complain(error.message)
            return
        self.dismiss()

    def complain(self, sentence: str) -> None:
        """Say what is wrong with the answer, and stay."""
        self.query_one("#dialog-problem", Static).update(f"✗ {sentence}")

    @on(Button.Pressed, "#accept")
    def _accept(self) -> None:
        self.action_accept()

    @on(Button.Pressed, "#give-up")
    def _give_up(self) -> None:
        self.action_give_up()

    @on(Input.Submitted)
    def _entered(self) -> None:
        self.action_accept()


class SaveDialog(Dialog):
    """Where to write the recording of the run so far; a file that is there already is never written over."""

    HEADING, ACCEPT = "Save the run as a recording", "Save"
    ABOUT = "a few lines of text that replay it exactly: swarmscope replay FILE"

    def __init__(self, proposal: str, save: Callable[[str], None]) -> None:
        super().__init__()
        self._proposal, self._save = proposal, save

    def fields(self) -> ComposeResult:
        """The name of the file."""
        yield Label("file")
        yield Input(self._proposal, id="save-file", compact=True)

    def action_accept(self) -> None:
        """Write it and close, or say why not."""
        name = self.query_one("#save-file", Input).value.strip()
        if not name:
            self.complain("a recording needs a file to be in; type a name")
            return
        try:
            self._save(name)
        except SwarmscopeError as error:
            self.complain(str(error))
            return
        self.dismiss()


class PartitionDialog(Dialog):
    """Who stands on which side of a cut."""

    HEADING = "Partition the network"
    ABOUT = "space moves an agent across; ticked agents stand on the left side"
    BINDINGS = [  # noqa: RUF012
        Binding("1", "preset('halves')", "Halves", id="partition.halves"),
        Binding("2", "preset('alone')", "Alone", id="partition.alone", tooltip="The selected agent alone"),
        Binding("3", "preset('third')", "A third", id="partition.third"),
        Binding("4", "preset('odd')", "Every other", id="partition.odd"),
        Binding("o", "one_way", "One way", id="partition.one_way"),
        Binding("enter", "cut", "Cut", id="partition.cut", priority=True),
        Binding("ctrl+s", "accept", "Apply", id="dialog.apply", show=False),
    ]

    def __init__(self, names: Sequence[str], selected: str | None) -> None:
        super().__init__()
        self._names = list(names)
        self._selected = selected

    def fields(self) -> ComposeResult:
        """The agents, a tick for those on the left side; and whether one way is left open."""
        half = len(self._names) // 2
        yield Ticks(
            *((name, name, place < half) for place, name in enumerate(self._names)), id="partition-left", compact=True
        )
        yield Tick("one way: the right cannot hear the left, but the left hears it", id="one-way", compact=True)
        yield Static("", id="partition-text", markup=False)

    def on_mount(self) -> None:
        """Say what the cut would be."""
        self._say()

    def on_resize(self, event: events.Resize) -> None:
        """Give the list what room there is beside the rest."""
        self.query_one("#partition-left").styles.max_height = max(3, min(20, event.size.height - 16))

    @on(SelectionList.SelectedChanged)
    @on(Checkbox.Changed)
    def _say(self) -> None:
        left, right = self._sides()
        one_way = self.query_one("#one-way", Checkbox).value
        mark = "cannot tell" if one_way else "cut from"
        self.query_one("#partition-text", Static).update(
            f"{len(left)} agents ({_few(left)})  {mark}  {len(right)} agents ({_few(right)})"
        )

    def _sides(self) -> tuple[list[str], list[str]]:
        ticked = set(self.query_one("#partition-left", SelectionList).selected)
        return [n for n in self._names if n in ticked], [n for n in self._names if n not in ticked]

    def action_preset(self, kind: str) -> None:
        """Tick the agents of a usual cut."""
        names, count = self._names, len(self._names)
        left = {
            "halves": names[: count // 2],
            "alone": [self._selected or names[0]],
            "third": names[: max(1, count // 3)],
            "odd": names[::2],
        }[kind]
        chosen = self.query_one("#partition-left", SelectionList)
        with self.prevent(SelectionList.SelectedChanged):
            chosen.deselect_all()
            for name in left:
                chosen.select(name)
        self._say()

    def action_cut(self) -> None:
        """Enter: cut, wherever the focus is but on the button that gives up."""
        if self.focused is not None and self.focused.id == "give-up":
            self.action_give_up()
        elif self.is_mounted:
            self.action_accept()

    def action_one_way(self) -> None:
        """Tick or untick the one-way box."""
        self.query_one("#one-way", Checkbox).toggle()

    def answer(self) -> Commands:
        """One partition command."""
        left, right = self._sides()
        if not left or not right:
            raise CommandError("each side needs at least one agent; move one across with space")
        sign = ">" if self.query_one("#one-way", Checkbox).value else "|"
        return [f"partition {','.join(map(quote, left))} {sign} {','.join(map(quote, right))}"]


def _few(names: Sequence[str]) -> str:
    if len(names) <= 3:
        return ", ".join(names) or "none"
    return f"{names[0]}, {names[1]} … {names[-1]}"


class LinkDialog(Dialog):
    """Latency, loss, duplication, reordering and bandwidth, on all links, those of one agent, or one link."""

    HEADING = "Links"
    ABOUT = "an empty field changes nothing"
    FIELDS = (
        ("latency", "latency", "50ms, 10ms..80ms, lognormal 50ms 0.5, default"),
        ("loss", "loss", "0% to 100%"),
        ("duplicate", "duplicates", "0% to 100%"),
        ("reorder", "reordering", "0% to 100%"),
        ("bandwidth", "bandwidth", "64kB/s, or off"),
    )

    def __init__(self, selected: str | None, link: tuple[str, str] | None = None) -> None:
        super().__init__()
        self._where: list[tuple[str, str]] = [("every link", "")]
        if link is not None:
            a, b = map(quote, link)
            self._where[:0] = [(f"the link {a} – {b}, both ways", f"{a} - {b}"), (f"only {a} to {b}", f"{a} > {b}")]
        if selected is not None:
            name = quote(selected)
            self._where.append((f"the links of {selected}, both ways", f"{name} - *"))
            self._where.append((f"what {selected} sends", f"{name} > *"))

    def fields(self) -> ComposeResult:
        """Where, and one line for each attribute."""
        with Grid(id="link-grid"):
            yield Label("on")
            yield Select(self._where, value=self._where[0][1], allow_blank=False, id="link-where", compact=True)
            for name, label, placeholder in self.FIELDS:
                yield Label(label)
                yield Input(placeholder=placeholder, id=f"link-{name}", compact=True)

    def on_mount(self) -> None:
        """Begin with the latency."""
        self.query_one("#link-latency", Input).focus()

    def answer(self) -> Commands:
        """One command for each field that was filled in."""
        where = str(self.query_one("#link-where", Select).value)
        commands = []
        for name, _, _ in self.FIELDS:
            value = self.query_one(f"#link-{name}", Input).value.strip()
            if not value:
                continue
            if name in ("loss", "duplicate", "reorder") and not value.endswith("%"):
                value += "%"
            commands.append(f"{name} {value} {where}".strip())
        for command in commands:
            parse(command)
        return commands


class MisbehaveDialog(Dialog):
    """How the selected agent shall misbehave."""

    HEADING = "Misbehave"

    def __init__(self, agent: str, mode: str, modes: Sequence[Misbehaviour]) -> None:
        super().__init__()
        self._agent = agent
        self._mode = mode
        self._offered = [Misbehaviour("honest", "follows the protocol"), *modes]
        self.ABOUT = f"{agent} is {mode} now"

    def fields(self) -> ComposeResult:
        """The modes, with what each does."""
        yield OptionList(*(Option(_in_columns(mode), id=mode.name) for mode in self._offered), id="modes")

    def on_mount(self) -> None:
        """Begin with the first misbehaviour, or with honesty for one that misbehaves."""
        modes = self.query_one("#modes", OptionList)
        modes.highlighted = 1 if self._mode == "honest" and len(self._offered) > 1 else 0
        modes.focus()

    @on(OptionList.OptionSelected)
    def _chosen(self) -> None:
        self.action_accept()

    def answer(self) -> Commands:
        """One byzantine command."""
        at = self.query_one("#modes", OptionList).highlighted or 0
        return [f"byzantine {quote(self._agent)} {self._offered[at].name}"]


def _in_columns(mode: Misbehaviour) -> Table:
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(width=12)
    table.add_column(ratio=1)
    table.add_row(Text(mode.name), Text(mode.help))
    return table


class OwnDialog(Dialog):
    """One of the scenario's own commands, with its arguments."""

    def __init__(self, sim: Simulation, selected: str | None) -> None:
        super().__init__()
        self._sim = sim
        self._specs = {spec.name: spec for spec in sim.scenario.commands}
        self._selected = selected
        self.HEADING = f"{sim.scenario.title}: its own commands"

    def fields(self) -> ComposeResult:
        """Which command, and a field for each of its arguments."""
        names = list(self._specs)
        yield Select([(f"{n}: {s.help}", n) for n, s in self._specs.items()], value=names[0], allow_blank=False,
                     id="own-name", compact=True)  # fmt: skip
        yield VerticalScroll(id="own-args")

    @on(Select.Changed, "#own-name")
    async def _show_arguments(self) -> None:
        box = self.query_one("#own-args", VerticalScroll)
        await box.remove_children()
        first = None
        for arg, value in zip(self._spec().args, self._proposals(), strict=True):
            if len(arg.choices) == 1:  # a word that always stands there
                continue
            about = f"{arg.name}{' (may stay empty)' if arg.optional else ''}: {arg.help or arg.kind}"
            await box.mount(Label(about))
            field = Input(value=value, id=f"own-{arg.name}", compact=True)
            await box.mount(field)
            first = first or (None if value or arg.optional else field)
        (first or self.query_one("#own-name")).focus()

    def _proposals(self) -> list[str]:
        """What each argument might be: agents like those of the command's example, the selected one if it is one of
        them; and the example's figures. A text is left for the user to write."""
        spec = self._spec()
        example = parse(spec.example, self._specs)
        given = example.command.args if example is not None and isinstance(example.command, Own) else ()
        proposals: list[str] = []
        for arg, told in zip_longest(spec.args, given):
            if arg.kind in ("agent", "who"):
                proposals.append(self._somebody_like(str(told), proposals))
            else:
                proposals.append("" if arg.optional or arg.kind == "text" or told is None else str(told))
        return proposals

    def _somebody_like(self, name: str, others: Sequence[str]) -> str:
        """An agent of the same role as the one with this name, as far as there is one: the selected, else one that is
        not among the others."""
        sim = self._sim
        agents = [sim.agent(agent) for agent in sim.present()]
        role = next((agent.role for agent in agents if agent.name == name), "")
        fitting = [agent.name for agent in agents if not role or agent.role == role]
        fitting = [one for one in (self._selected, *fitting) if one in fitting and one not in others]
        return quote(fitting[0]) if fitting else ""

    def _spec(self) -> CommandSpec:
        return self._specs[str(self.query_one("#own-name", Select).value)]

    def answer(self) -> Commands:
        """The command as it would be typed."""
        spec = self._spec()
        words = [spec.name]
        for arg in spec.args:
            if len(arg.choices) == 1:
                words.append(arg.choices[0])
                continue
            value = self.query_one(f"#own-{arg.name}", Input).value.strip()
            if not value:
                if arg.optional:
                    break
                raise CommandError(f"{spec.name} needs its {arg.name}: {arg.help or arg.kind}")
            words.append(value if arg.kind in ("who", "agent") else quote(value))
        text = " ".join(words)
        parse(text, self._specs)
        return [text]
