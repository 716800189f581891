"""The live screen: panes on a run, and the keys that change it. Whatever a key does to the run is a command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from app.driver import Driver
from app.keys import LIVE, bindings
from app.recording import Recorder, free_name
from app.screens.bar import Bar
from app.screens.dialogs import Dialog, LinkDialog, MisbehaveDialog, OwnDialog, PartitionDialog, SaveDialog
from app.screens.help import HelpScreen
from app.screens.inspecting import InspectScreen
from app.screens.keyline import KeyLine
from app.screens.sized import SizedScreen
from engine.commands import CommandSpec, Timed, quote
from engine.duration import SECOND, format_duration
from engine.errors import CommandError
from engine.framing import Framer
from engine.grammar import complete, parse
from engine.scenario import Scenario
from engine.views import StageView
from widgets.agents import AgentsPane
from widgets.log import LogPane
from widgets.messages import FACES, MessagesPane
from widgets.metrics import MetricsPane
from widgets.narration import NarrationPane
from widgets.network import NetworkPane
from widgets.pane import Pane
from widgets.stage import Stage, StagePane
from widgets.status import StatusLine
from widgets.text import clip

COMMAND_HINT = "such as  crash {}  or  at {} heal  ·  tab completes  ·  esc closes"
FILTER_HINT = "only agents and events with this text  ·  enter keeps it  ·  esc shows all"
NAMES = ("Agents", "Messages", "Stage", "Metrics", "Story")
EVERY = {"network": 1, "agents": 4, "log": 4, "stage": 4, "narration": 4, "metrics": 8}
"""How many frames apart each part is drawn while the run goes on."""
WHY_WIDTH = 54  # cells of a line in a notification
BEHIND = 10
"""How many frames apart all are drawn behind a dialog."""


class LiveScreen(SizedScreen):
    """One run, live."""

    AUTO_FOCUS = ""  # the screen itself decides, by the current pane
    ACTIONS = LIVE
    BINDINGS = bindings(LIVE)  # type: ignore[assignment]

    def __init__(self, driver: Driver, scenario: str, params: Mapping[str, Any], script: Sequence[Timed] = ()) -> None:
        super().__init__()
        self.driver = driver
        self.sim = driver.sim
        self._from = (scenario, dict(params), tuple(script))
        self._framer = Framer(self.sim)
        self._frames = 0
        self._selected: int | None = None
        self._zoomed = False
        self._current = 2  # the pane that has the focus; zoomed, or on a small terminal, it stands alone
        self._filtered = ""
        self._face = FACES[0]
        # Kept at hand, because frames come often, and until the very end, when parts of the screen are gone already.
        self._status = StatusLine(id="status")
        self._agents = AgentsPane(number=1, id="agents")
        self._messages = MessagesPane(number=2, id="messages")
        self._stage = StagePane(number=3, id="stage")
        self._metrics = MetricsPane(number=4, id="metrics")
        self._story = NarrationPane(number=5, id="narration")
        self._panes: tuple[Pane, ...] = (self._agents, self._messages, self._stage, self._metrics, self._story)
        self._last_words = Static(id="last-words", markup=False)

    def look_like(self, other: LiveScreen) -> None:
        """Begin with the panes, the filter and the agent of another screen."""
        self._selected, self._filtered = other._selected, other._filtered
        self._zoomed, self._current = other._zoomed, other._current
        self._face = other._messages.face

    # Building

    def compose(self) -> ComposeResult:
        """Status, panes, the last words, footer."""
        yield from super().compose()
        yield self._status
        yield Static(id="tabs")
        with Vertical(id="panes"):
            with Horizontal(id="upper"):
                yield self._agents
                yield self._messages
            with Horizontal(id="middle"):
                yield from self.compose_stages()
            with Horizontal(id="lower"):
                yield self._metrics
                yield self._story
        yield self._last_words
        history: list[str] = self.app.command_history  # type: ignore[attr-defined]
        hint = COMMAND_HINT.format(
            quote(self.sim.names[0]), format_duration(round(20 * self.sim.scenario.pace) * SECOND)
        )
        yield Bar(":", hint, self._candidates, history, id="command-bar")
        yield Bar("/", FILTER_HINT, lambda _: [], [], id="filter-bar")
        yield KeyLine(LIVE)

    def compose_stages(self) -> ComposeResult:
        """What stands in the middle."""
        yield self._stage

    def on_mount(self) -> None:
        """Begin to draw, and let the run go on."""
        self._select(self.selected)
        self._filter(self._filtered)
        self._messages.face = self._face
        self._arrange()
        self._focus_home()
        self.run_worker(self.driver.run(self.draw), exclusive=True, group="driver")

    def resized(self, width: int, height: int) -> None:
        """Another size: other panes may fit."""
        self._arrange()
        self.draw(everything=True)

    # Drawing

    def draw(self, *, everything: bool = False) -> None:
        """Draw a frame: each visible pane whose turn it is, all of them when time stands still."""
        if not self.is_mounted:
            return
        self._frames += 1
        behind = self.app.screen is not self  # a dialog in front makes every frame dear
        if behind and self._frames % BEHIND and not self.driver.paused:
            return
        everything = everything or self.driver.paused or behind
        parts = {
            part for part, every in EVERY.items() if (everything or self._frames % every == 0) and self._is_wanted(part)
        }
        frame = self._framer.frame(parts, chosen=self._stage.selected)
        self._status.show(frame.status, self.driver.pace, self.driver.paused)
        if frame.agents is not None:
            self._agents.show(frame.agents)
        if frame.network is not None:
            self._messages.show_network(frame.network)
        if frame.log is not None:
            self._messages.show_log(frame.log)
        if frame.stage is not None:
            self.show_stage(frame.stage)
        if frame.metrics is not None:
            self._metrics.show(frame.metrics)
        if frame.narration is not None:
            self._story.show(frame.narration)
            self._last_words.update(frame.narration[-1].text if frame.narration else "")

    def show_stage(self, view: StageView) -> None:
        """Draw the stage."""
        self._stage.show(view)

    def _is_wanted(self, part: str) -> bool:
        if part in ("network", "log"):
            return self._messages.display and self._messages.face == part
        if part == "narration":
            return True
        return next(pane.display for pane in self._panes if pane.id == part)

    def _pane(self, number: int) -> Pane:
        return self._panes[number - 1]

    def _arrange(self) -> None:
        """Show the panes that fit: all of them, the zoomed one, or on a small terminal the current one."""
        alone = self._zoomed or self.has_class("-narrow")
        self.set_class(self._zoomed, "-zoomed")
        for number in range(1, 6):
            pane = self._pane(number)
            pane.display = not alone or number == self._current
            pane.zoomed = self._zoomed and number == self._current
        for row in self.query("#panes > Horizontal"):
            row.display = any(child.display for child in row.children)
        tabs = "  ".join(
            f"[reverse] {n} {name} [/]" if n == self._current else f"[@click=screen.pane({n})] {n} {name} [/]"
            for n, name in enumerate(NAMES, 1)
        )
        self.query_one("#tabs", Static).update(tabs)

    # Selecting

    @property
    def selected(self) -> int:
        """The id of the agent that keys act on: what the pane with the focus shows as chosen, also when its message has
        yet to come; else the one chosen last, or where that is gone the one that the agents pane shows instead."""
        present = self.sim.present()
        chosen = self._selected
        if self._agents.has_focus_within:
            chosen = self._agents.selected
        elif self._messages.network.has_focus:
            chosen = self._messages.network.selected
        agent = next((one for one in (chosen, self._selected, self._agents.selected) if one in present), present[0])
        assert agent is not None
        if agent != self._selected:
            self._select(agent)
        return agent

    def _select(self, agent: int) -> None:
        self._selected = agent
        self._agents.select(agent)
        self._messages.network.selected = agent

    @on(AgentsPane.Selected)
    @on(NetworkPane.Selected)
    @on(NetworkPane.AgentClicked)
    def _agent_selected(self, event: AgentsPane.Selected | NetworkPane.Selected | NetworkPane.AgentClicked) -> None:
        self._select(event.agent_id)

    @on(AgentsPane.Inspect)
    @on(NetworkPane.Inspect)
    def _agent_opened(self, event: AgentsPane.Inspect | NetworkPane.Inspect) -> None:
        self._select(event.agent_id)
        self.action_inspect()

    @on(Stage.Selected)
    def _stage_selected(self) -> None:
        self.draw(everything=True)

    @on(NetworkPane.LinkClicked)
    def _link_clicked(self, event: NetworkPane.LinkClicked) -> None:
        self._ask(LinkDialog(self._name_of(self.selected), (self._name_of(event.a), self._name_of(event.b))))

    @on(NetworkPane.MessageClicked)
    def _message_clicked(self, event: NetworkPane.MessageClicked) -> None:
        self.query_one("#command-bar", Bar).open(f"drop m{event.number}")

    @on(LogPane.EventSelected)
    def _event_selected(self, event: LogPane.EventSelected) -> None:
        chain = self.sim.trace.why(event.index)
        lines = [clip(f"{e.index:>7} {e.kind:8} {e.agent} {e.summary}", WHY_WIDTH) for e in chain[-8:]]
        self._tell("\n".join(lines), title="Why: the chain of causes", timeout=8)

    def _name_of(self, agent: int) -> str:
        return self.sim.names[agent]

    # Time

    def action_toggle_pause(self) -> None:
        """Pause, or go on."""
        self.driver.paused = not self.driver.paused
        self.draw()

    def action_step(self) -> None:
        """One event."""
        if not self.driver.step():
            self._tell("nothing is left to happen; inject something, or start over")
        self.draw()

    def action_back(self) -> None:
        """One event back."""
        if not self.driver.back():
            self._tell("this is the start of the run; there is no event before it")
        self.draw()

    def action_faster(self) -> None:
        """Twice as fast."""
        self._at_speed((self.driver.speed or 1.0) * 2)

    def action_slower(self) -> None:
        """Half as fast; from flat out, back to real time."""
        self._at_speed(1.0 if self.driver.speed is None else self.driver.speed / 2)

    def action_real_time(self) -> None:
        """One virtual second a second."""
        self._at_speed(1.0)

    def action_flat_out(self) -> None:
        """As fast as possible."""
        self._at_speed(None)

    def _at_speed(self, speed: float | None) -> None:
        self.driver.set_speed(speed)
        self.draw()

    # Commands

    @property
    def specs(self) -> dict[str, CommandSpec]:
        """The commands that the scenario has of its own, by name."""
        return {spec.name: spec for spec in self.scenario.commands}

    @property
    def scenario(self) -> Scenario:
        """What is played."""
        return self.sim.scenario

    def command(self, text: str) -> None:
        """Carry out a command as it would be typed. Raises CommandError."""
        timed = parse(text, self.specs)
        if timed is not None:
            self.driver.apply(timed)

    def _do(self, text: str) -> None:
        try:
            self.command(text)
        except CommandError as error:
            self._tell(error.message, title="Not done")
        self.draw(everything=True)

    def _tell(self, text: str, *, title: str = "", timeout: float | None = None) -> None:
        """Say something in a corner for a while, in place of what stands there."""
        self.app.clear_notifications()
        self.notify(text, title=title, severity="warning" if title == "Not done" else "information",
                    timeout=timeout, markup=False)  # fmt: skip

    def _ask(self, dialog: Dialog) -> None:
        dialog.carry_out = self.command
        self.app.push_screen(dialog, lambda _: self.draw(everything=True))

    def action_crash(self) -> None:
        """Crash the selected agent."""
        self._do(f"crash {quote(self._name_of(self.selected))}")

    def action_restart(self) -> None:
        """Restart the selected agent."""
        self._do(f"restart {quote(self._name_of(self.selected))}")

    def action_partition(self) -> None:
        """Ask who stands where."""
        names = [self._name_of(agent) for agent in self.sim.present()]
        if len(names) < 2:
            self._tell("a partition needs two agents; only one is left", title="Not done")
            return
        self._ask(PartitionDialog(names, self._name_of(self.selected)))

    def action_heal(self) -> None:
        """Remove all partitions."""
        if not self.sim.network.cuts:
            self._tell("there is no partition to heal")
            return
        self._do("heal")

    def action_links(self) -> None:
        """Ask what the links shall be like."""
        self._ask(LinkDialog(self._name_of(self.selected)))

    def action_misbehave(self) -> None:
        """Ask how the selected agent shall misbehave."""
        modes = self.scenario.misbehaviours
        if not modes:
            self._tell(f"{self.sim.scenario.title} has no misbehaviours; crash, freeze and slow work everywhere")
            return
        agent = self.sim.agent(self.selected)
        self._ask(MisbehaveDialog(agent.name, agent.mode, modes))

    def action_own(self) -> None:
        """Ask for one of the scenario's own commands."""
        if not self.sim.scenario.commands:
            self._tell(f"{self.sim.scenario.title} has no commands of its own; the command line takes all others")
            return
        self._ask(OwnDialog(self.sim, self._name_of(self.selected)))

    # The line at the bottom

    def action_command(self) -> None:
        """Type a command."""
        self._open_bar("command-bar")

    def action_filter(self) -> None:
        """Type what agents and events must contain."""
        self._open_bar("filter-bar", self._filtered)

    def _open_bar(self, name: str, text: str = "") -> None:
        for bar in self.query(Bar):
            if bar.id == name:
                bar.open(text)
            else:
                bar.close()

    def _close_bar(self, bar: Bar) -> None:
        bar.close()
        self._focus_home()

    def _focus_home(self) -> None:
        self._pane(self._current).focus()

    def _candidates(self, text: str) -> list[str]:
        scenario, sim = self.scenario, self.sim
        agents = [self._name_of(agent) for agent in sim.present()]
        roles = list(dict.fromkeys(sim.agent(agent).role for agent in sim.present()))
        modes = ["honest", *(mode.name for mode in scenario.misbehaviours)]
        return complete(text, self.specs, agents, roles, modes)

    @on(Bar.Submitted)
    def _bar_submitted(self, event: Bar.Submitted) -> None:
        text = event.text.strip()
        if event.bar.id == "filter-bar" or not text:
            self._close_bar(event.bar)
            return
        try:
            self.command(text)
        except CommandError as error:
            event.bar.complain(error)
            return
        history: list[str] = self.app.command_history  # type: ignore[attr-defined]
        if not history or history[-1] != text:
            history.append(text)
        self._close_bar(event.bar)
        self.draw(everything=True)

    @on(Bar.Changed)
    def _bar_changed(self, event: Bar.Changed) -> None:
        if event.bar.id == "filter-bar":
            self._filter(event.text)

    @on(Bar.Closed)
    def _bar_closed(self, event: Bar.Closed) -> None:
        if event.bar.id == "filter-bar":
            self._filter("")
        self._close_bar(event.bar)

    def _filter(self, text: str) -> None:
        self._filtered = text
        self._agents.set_filter(text)
        self._messages.set_filter(text)
        self.draw(everything=True)

    # Looking around

    def action_pane(self, number: int) -> None:
        """To another pane."""
        self._current = number
        self._arrange()
        self._focus_home()
        self.draw(everything=True)

    def action_next_pane(self, by: int) -> None:
        """To the pane after or before this one."""
        self.action_pane((self._current - 1 + by) % len(NAMES) + 1)

    @on(MessagesPane.FaceChanged)
    def _face_changed(self) -> None:
        self.draw(everything=True)

    def on_descendant_focus(self) -> None:
        """The focus moved: that pane is the current one."""
        for number in range(1, 6):
            if self._pane(number).has_focus_within:
                self._current = number

    def action_zoom(self) -> None:
        """The current pane alone, or all of them."""
        self._zoomed = not self._zoomed
        self._arrange()
        self._focus_home()
        self.draw(everything=True)

    def action_face(self) -> None:
        """Turn the messages pane over; where it is out of sight, go to it."""
        if self._messages.display:
            self._messages.action_next_face()
        else:
            self.action_pane(2)

    def action_inspect(self) -> None:
        """Look into the selected agent."""
        self.app.push_screen(InspectScreen(self._framer, self.selected))

    def action_help(self) -> None:
        """All keys and commands."""
        self.app.push_screen(HelpScreen(LIVE, self.scenario))

    # The run as a whole

    def action_save(self) -> None:
        """Ask for a file, and write the run so far into it."""
        name = Path(self._from[0]).stem
        self._ask(SaveDialog(free_name(f"{name}-{self.sim.seed}"), self.save))

    def save(self, file: str) -> None:
        """Write the run so far as a recording. Raises RecordingError."""
        scenario, params, _ = self._from
        Recorder.opened(file, self.sim, scenario, params).end()
        self._tell(f"saved as {file}; swarmscope replay {file} plays it again")

    def action_start_over(self) -> None:
        """The same run from the start."""
        self._again(self.sim.seed)

    def action_new_seed(self) -> None:
        """The same with another seed."""
        self._again(None)

    def _again(self, seed: int | None) -> None:
        scenario, params, script = self._from
        speed = float("inf") if self.driver.speed is None else self.driver.speed
        paused = self.driver.paused and not self.driver.ended
        self.app.play(  # type: ignore[attr-defined]
            scenario, params, seed=seed, speed=speed, script=script, paused=paused
        )

    def action_menu(self) -> None:
        """Back to the menu; the run ends."""
        self.app.show_menu()  # type: ignore[attr-defined]

    def action_quit(self) -> None:
        """Leave the program."""
        self.app.exit()
