"""The menu: what there is to see, what it teaches, and how it shall be set up."""

from __future__ import annotations

from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.markup import escape
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from app.keys import MENU, bindings
from app.screens.help import HelpScreen
from app.screens.keyline import KeyLine
from app.screens.sized import SizedScreen
from engine.errors import ParameterError
from engine.framing import Framer
from engine.params import ParamSpec, read_value, specs
from engine.scenario import Scenario
from engine.simulation import MAX_SEED
from engine.views import StageView
from scenarios.launch import launch, launch_sides, read_script
from scenarios.pair import Pair
from scenarios.registry import find, names
from widgets.stage import StagePane

STILL_SEED = 7
FIRST_LOOK = 0.02  # seconds in which the terminal gets the first picture, before the rest is made
SEED = ParamSpec(
    name="seed", type="integer", default="", help="decides every random choice; empty: another each time",
    low=0, high=MAX_SEED,
)  # fmt: skip


class Field(Vertical):
    """One parameter: its name, an input, its range or what is wrong, and what it means."""

    def __init__(self, spec: ParamSpec) -> None:
        super().__init__(classes="field", id=f"field-{spec.name}")
        self.spec = spec
        self.problem = ""

    def compose(self) -> ComposeResult:
        """Name and input in one line, what it means below."""
        default = self.spec.default
        shown = ("yes" if default else "no") if isinstance(default, bool) else _plain(default)
        with Horizontal(classes="field-line"):
            yield Label(self.spec.name, classes="field-name")
            yield Input(value=shown, compact=True, classes="field-input", id=f"input-{self.spec.name}")
            unit = f"{self.spec.unit}  " if self.spec.unit else ""
            yield Label(f"{unit}{self.spec.range_text}" if self.spec is not SEED else "", classes="field-range")
        yield Label(self.spec.help, classes="field-help", markup=False)

    @property
    def value(self) -> str:
        """What was typed."""
        return self.query_one(Input).value.strip()

    @value.setter
    def value(self, text: str) -> None:
        self.query_one(Input).value = text

    @on(Input.Changed)
    def check(self) -> None:
        """Say at once whether what was typed can be used."""
        self.problem = ""
        if not (self.spec is SEED and not self.value):
            try:
                read_value(self.spec, self.value)
            except ParameterError as error:
                self.problem = str(error)
        self.set_class(bool(self.problem), "-wrong")
        self.query_one(".field-help", Label).update(f"✗ {self.problem}" if self.problem else self.spec.help)


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


class MenuScreen(SizedScreen):
    """Scenarios at the left, the chosen one at the right."""

    ACTIONS = MENU
    BINDINGS = bindings(MENU)  # type: ignore[assignment]
    NARROW, SHORT = 90, 20

    def __init__(self) -> None:
        super().__init__()
        self._scenarios: list[type[Scenario]] = [find(names()[0])]  # the others follow once the screen stands
        self._chosen = self._scenarios[0]
        self._still_of: type[Scenario] | None = None  # whose still is shown
        self.complete = False  # whether all scenarios are in the list

    def compose(self) -> ComposeResult:
        """The list, and a page about what is chosen in it."""
        yield from super().compose()
        yield Static("[b]Swarmscope[/]  a laboratory for distributed agents", id="menu-title")
        with Horizontal(id="menu"):
            with Vertical(id="menu-left"):
                yield Input(placeholder="find a scenario", id="menu-find", compact=True)
                yield OptionList(id="menu-list", markup=True)
            with VerticalScroll(id="menu-page", can_focus=False):
                yield Static(id="menu-about")
                still = StagePane(number=None, id="menu-still")
                still.disabled = True  # it is there to be looked at
                yield still
                yield Label("Experiments  [dim]enter starts one[/]", classes="menu-heading")
                yield OptionList(id="menu-experiments", markup=False)
                yield Static(id="menu-watch", markup=False)
                yield Label("Parameters  [dim]tab goes on, enter plays[/]", classes="menu-heading")
                yield Vertical(id="menu-fields")
        yield KeyLine(MENU)

    async def on_mount(self) -> None:
        """Fill the list."""
        self._list("")
        self._tell_about(self._chosen)
        self.query_one("#menu-list", OptionList).focus()
        self.set_timer(FIRST_LOOK, self._complete)

    async def _complete(self) -> None:
        """Load the other scenarios, and make the rest of the page, now that there is something to see."""
        self._scenarios = [find(name) for name in names()]
        self._list(self.query_one("#menu-find", Input).value)
        await self._show(self._chosen)
        self.complete = True

    def _list(self, text: str) -> None:
        found = [s for s in self._scenarios if text.lower() in f"{s.name} {s.title} {s.family} {s.teaches}".lower()]
        options = self.query_one("#menu-list", OptionList)
        options.clear_options()
        family = ""
        for scenario in found:
            if scenario.family != family:
                family = scenario.family
                options.add_option(Option(f"[dim]{family}[/]", disabled=True))
            words = escape(_first_words(scenario.teaches))
            options.add_option(Option(f"[b]{escape(scenario.title)}[/]\n  {words}", id=scenario.name))
        if found:
            options.highlighted = 1
        else:
            options.add_option(Option("[dim]none has this text[/]", disabled=True))

    def _tell_about(self, scenario: type[Scenario]) -> None:
        sources = "\n".join(f"[dim]{escape(source)}[/]" for source in scenario.sources)
        about = f"[b]{escape(scenario.title)}[/]\n\n{escape(scenario.teaches)}\n\n{sources}"
        self.query_one("#menu-about", Static).update(about)

    async def _show(self, scenario: type[Scenario]) -> None:
        self._chosen = scenario
        self._tell_about(scenario)
        experiments = self.query_one("#menu-experiments", OptionList)
        experiments.clear_options()
        for one in scenario.experiments:
            experiments.add_option(Option(escape(one.title), id=one.name))
        await self.query_one("#menu-fields", Vertical).remove_children()
        self.call_after_refresh(self._fill, scenario)

    async def _fill(self, scenario: type[Scenario]) -> None:
        """The parameters and the still: what takes longest comes once the rest of the menu stands."""
        fields = self.query_one("#menu-fields", Vertical)
        if scenario is not self._chosen or fields.children:
            return
        await fields.mount_all([Field(spec) for spec in (*specs(scenario.Params), SEED)])
        self.call_after_refresh(self._show_still, scenario)

    def on_screen_resume(self) -> None:
        """Back from a run: the still may be missing, because nobody could see it until now."""
        if self._still_of is not self._chosen:
            self.call_after_refresh(self._show_still, self._chosen)

    def _show_still(self, scenario: type[Scenario]) -> None:
        """A small still of the scenario's stage; made once the menu stands, so that it opens quickly."""
        if scenario is not self._chosen or scenario is self._still_of or not self.is_current:
            return
        self._still_of = scenario
        self.query_one("#menu-still", StagePane).show(still(scenario))

    # What is chosen

    @on(OptionList.OptionHighlighted, "#menu-list")
    async def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_id is not None and event.option_id != self._chosen.name:
            await self._show(find(event.option_id))

    @on(OptionList.OptionSelected, "#menu-list")
    @on(Input.Submitted, ".field-input")
    def action_play(self) -> None:
        """Play with what the fields say."""
        fields = list(self.query(Field))
        wrong = next((field for field in fields if field.problem), None)
        if wrong is not None:
            self._complain(wrong)
            return
        values = {field.spec.name: field.value for field in fields}
        seed = values.pop("seed", "")
        self.app.play(self._chosen.name, values, seed=int(seed) if seed else None)  # type: ignore[attr-defined]

    @on(OptionList.OptionHighlighted, "#menu-experiments")
    def _offered(self, event: OptionList.OptionHighlighted) -> None:
        watch = next((one.watch for one in self._chosen.experiments if one.name == event.option_id), "")
        self.query_one("#menu-watch", Static).update(escape(watch))

    @on(OptionList.OptionSelected, "#menu-experiments")
    def _experiment(self, event: OptionList.OptionSelected) -> None:
        one = next(one for one in self._chosen.experiments if one.name == event.option_id)
        seeds = list(self.query("#field-seed").results(Field))
        if seeds and seeds[0].problem:
            self._complain(seeds[0])
            return
        seed = seeds[0].value if seeds else ""
        script = read_script(one.script, self._chosen)
        self.app.play(  # type: ignore[attr-defined]
            self._chosen.name, one.params, seed=int(seed) if seed else None, script=script
        )
        self.app.notify(one.watch, title=one.title, timeout=15, markup=False)

    def _complain(self, field: Field) -> None:
        self.set_focus(field.query_one(Input))
        self.notify(field.problem, severity="warning", markup=False)

    @on(Input.Changed, "#menu-find")
    def _finding(self, event: Input.Changed) -> None:
        self._list(event.value)

    @on(Input.Submitted, "#menu-find")
    def _found(self) -> None:
        self.action_list()

    # Keys

    def action_experiments(self) -> None:
        """To the experiments."""
        experiments = self.query_one("#menu-experiments", OptionList)
        if experiments.highlighted is None and experiments.option_count:
            experiments.highlighted = 0
        self.set_focus(experiments)

    def action_parameters(self) -> None:
        """To the first parameter."""
        for one in self.query("#menu-fields Input").results(Input):  # none while they are being made
            self.set_focus(one)
            break

    def action_find(self) -> None:
        """To the search."""
        self.set_focus(self.query_one("#menu-find", Input))

    def action_list(self) -> None:
        """Back to the list."""
        self.set_focus(self.query_one("#menu-list", OptionList))

    def action_help(self) -> None:
        """All keys."""
        self.app.push_screen(HelpScreen(MENU, self._chosen()))

    def action_quit(self) -> None:
        """Leave the program."""
        self.app.exit()


def still(scenario: type[Scenario]) -> StageView:
    """The stage of a scenario as it looks early in a run; of a pair, both fork views in the middle of its first
    experiment."""
    if not issubclass(scenario, Pair):
        sim = launch(scenario, scenario.still_params, STILL_SEED, record=True)
        sim.run(until=scenario.still)
        return Framer(sim).stage()
    from app.twin import TwinFramer  # the menu opens sooner without it

    pair, left, right = launch_sides(scenario, scenario.still_params, STILL_SEED, scenario.experiments[0].script)
    for sim in (left, right):
        sim.run(until=scenario.still)
    views = TwinFramer(pair, left, right).stages(("", ""))
    return StageView(scenario.title, tuple([part for view in views for part in view.parts]))


def _first_words(text: str, width: int = 44) -> str:
    """The beginning of a text, cut at a word."""
    if len(text) <= width:
        return text
    return text[:width].rsplit(" ", 1)[0] + " …"
