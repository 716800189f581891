"""The live screen: panes on a run, and the keys that change it. Whatever a key does to the run is a command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from app.driver import Driver
from app.files import FileError, free_file
from app.history import History
from app.keys import LIVE, bindings
from app.recorder import Recorder
from app.screens.bar import Bar
from app.screens.dialogs import Dialog, LinkDialog, MisbehaveDialog, OwnDialog, PartitionDialog, SaveDialog
from app.screens.exporting import ask_export
from app.screens.help import HelpScreen
from app.screens.inspecting import InspectScreen
from app.screens.keyline import KeyLine
from app.screens.travelling import Travelling
from app.screens.why import WhyScreen
from engine.causes import chain, last_of
from engine.commands import CommandSpec, Timed, quote
from engine.duration import SECOND, format_duration
from engine.errors import CommandError
from engine.framing import Framer
from engine.grammar import complete, parse
from engine.scenario import Scenario
from engine.trace import TraceEvent
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
from widgets.text import count

if TYPE_CHECKING:
    from app.application import Replay

COMMAND_HINT = "such as  crash {}  or  at {} heal  ·  tab completes  ·  esc closes"
FILTER_HINT = "only agents and events with this text  ·  enter keeps it  ·  esc shows all"
NAMES = ("Agents", "Messages", "Stage", "Metrics", "Story")
EVERY = {"network": 1, "agents": 4, "sequence": 4, "log": 4, "stage": 4, "narration": 4, "metrics": 8}
"""How many frames apart each part is drawn while the run goes on."""
BEHIND = 10
"""How many frames apart all are drawn behind a dialog."""


class LiveScreen(Travelling):
    """One run, live."""

    AUTO_FOCUS = ""  # the screen itself decides, by the current pane
    ACTIONS = LIVE
    BINDINGS = bindings(LIVE)  # type: ignore[assignment]

    def __init__(
        self,
        driver: Driver,
        scenario: str,
        params: Mapping[str, Any],
        script: Sequence[Timed] = (),
        replay: Replay | None = None,
    ) -> None:
        super().__init__(driver)
        self._from = (scenario, dict(params), tuple(script))
        self._replay = replay
        self._framer = Framer(self.sim)
        self._frames = 0
        self._selected: int | None = None
        self._zoomed = False
        self._current = 2  # the pane that has the focus; zoomed, or on a small terminal, it stands alone
        self._filtered = ""
        self._recorder: Recorder | None = None
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
        yield self._timeline
        history: list[str] = self.app.command_history  # type: ignore[attr-defined]
        hint = COMMAND_HINT.format(
            quote(self.sim.names[0]), format_duration(round(20 * self.sim.scenario.pace) * SECOND)
        )
        yield Bar(":", hint, self._candidates, history, id="command-bar")
        yield Bar("/", FILTER_HINT, lambda _: [], [], id="filter-bar")
        yield KeyLine(self.ACTIONS)

    def compose_stages(self) -> ComposeResult:
        """What stands in the middle."""
        yield self._stage

    def on_mount(self) -> None:
        """Begin to draw, and let the run go on."""
        self._select(self.selected)
        self._filter(self._filtered)
        self._messages.face = self._face
        self._arrange()
        self.focus_home()
        self.run_worker(self.driver.run(self.draw), exclusive=True, group="driver")

    def resized(self, width: int, height: int) -> None:
        """Another size: other panes may fit."""
        self._arrange()
        self.draw(everything=True)

    # Drawing

    @property
    def branch_shown(self) -> History:
        """The run whose branch the timeline marks."""
        return self.driver.history

    def on_screen_suspend(self) -> None:
        """Something else comes in front: what stood in the corner was said of this screen."""
        self.app.clear_notifications()

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
        self._framer.watched, self._framer.only = self._selected, self._filtered
        self._timeline.show(self.branch_shown.view())
        frame = self._framer.frame(parts, chosen=self._stage.selected)
        self._status.show(frame.status, self.driver.pace, self.driver.paused)
        if frame.agents is not None:
            self._agents.show(frame.agents)
        if frame.network is not None:
            self._messages.show_network(frame.network)
        if frame.sequence is not None:
            self._messages.show_sequence(frame.sequence)
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
        if part in ("network", "sequence", "log"):
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
        if self._messages.face == "sequence":
            self.draw(everything=True)

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
        self.ask(LinkDialog(self._name_of(self.selected), (self._name_of(event.a), self._name_of(event.b))))

    @on(NetworkPane.MessageClicked)
    def _message_clicked(self, event: NetworkPane.MessageClicked) -> None:
        self.query_one("#command-bar", Bar).open(f"drop m{event.number}")

    @on(LogPane.EventOpened)
    @on(NarrationPane.Opened)
    def _event_opened(self, event: LogPane.EventOpened | NarrationPane.Opened) -> None:
        self._explain(event.index)

    # Why

    def action_why(self) -> None:
        """Explain what is selected in the current pane: the chain of causes that led to it."""
        messages, broken = self._messages, self.sim.invariants_kept.broken
        if self._current == 2 and messages.face == "log":
            self._explain(messages.log_face.chosen or messages.log_face.newest or 0)
        elif self._current == 2 and messages.face == "sequence" and (moving := messages.sequence.on_its_way):
            self._explain(moving.cause or 0, f"{moving.kind} m{moving.number}, which is on its way")
        elif self._current == 2 and messages.face == "sequence":
            self._explain(messages.sequence.selected or messages.sequence.newest or 0)
        elif self._current == 5:
            self._explain(self._story.event_in_view)
        elif self._current in (3, 4) and broken:
            name, first = min(broken.items(), key=lambda item: item[1].index)
            self._explain(first.index, f"invariant {name} is broken")
        else:
            agent = self.selected
            self._explain(last_of(self.sim.trace, agent), f"what happened to {self._name_of(agent)} last")

    def _explain(self, index: int, about: str = "") -> None:
        """Show the chain of causes that ends in an event."""
        events = chain(index, self._find_event)
        if not events:
            self.tell(
                f"event {count(index)} is not kept any more; nobody knows what led to it"
                if index
                else f"nothing is known of {about or 'this'}: it has yet to come, or is not kept any more"
            )
            return
        self._messages.sequence.path = [event.index for event in events]
        about = about or f"event {count(index)}"
        self.app.push_screen(WhyScreen(self.sim, events, self._find_event, about), self._explained)

    def _find_event(self, index: int) -> TraceEvent | None:
        """An event by its index, also one that the trace has forgotten, where the history can go back for it."""
        return self.driver.history.event(index)

    def _explained(self, index: int | None) -> None:
        if index is not None:
            self.go_to_event(index)
        self.draw(everything=True)

    def _name_of(self, agent: int) -> str:
        return self.sim.names[agent]

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
            self.tell(error.message, title="Not done")
        self.draw(everything=True)

    def ask(self, dialog: Dialog) -> None:
        """Open a dialog whose answer is commands, and draw when it is closed."""
        dialog.carry_out = self.command
        super().ask(dialog)

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
            self.tell("a partition needs two agents; only one is left", title="Not done")
            return
        self.ask(PartitionDialog(names, self._name_of(self.selected)))

    def action_heal(self) -> None:
        """Remove all partitions."""
        if not self.sim.network.cuts:
            self.tell("there is no partition to heal")
            return
        self._do("heal")

    def action_links(self) -> None:
        """Ask what the links shall be like."""
        self.ask(LinkDialog(self._name_of(self.selected)))

    def action_misbehave(self) -> None:
        """Ask how the selected agent shall misbehave."""
        modes = self.scenario.misbehaviours
        if not modes:
            self.tell(f"{self.sim.scenario.title} has no misbehaviours; crash, freeze and slow work everywhere")
            return
        agent = self.sim.agent(self.selected)
        self.ask(MisbehaveDialog(agent.name, agent.mode, modes))

    def action_own(self) -> None:
        """Ask for one of the scenario's own commands."""
        if not self.sim.scenario.commands:
            self.tell(f"{self.sim.scenario.title} has no commands of its own; the command line takes all others")
            return
        self.ask(OwnDialog(self.sim, self._name_of(self.selected)))

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
        self.focus_home()

    def focus_home(self) -> None:
        """Give the focus to the current pane."""
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
        self.focus_home()
        self.draw(everything=True)

    def action_next_pane(self) -> None:
        """To the pane after this one."""
        self.action_pane(self._current % len(NAMES) + 1)

    def action_previous_pane(self) -> None:
        """To the pane before this one."""
        self.action_pane((self._current - 2) % len(NAMES) + 1)

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
        self.focus_home()
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
        self.app.push_screen(HelpScreen(self.ACTIONS, self.scenario))

    # The run as a whole

    def action_save(self) -> None:
        """Ask for a file, and write the run so far into it."""
        name = Path(self._from[0]).stem
        self.ask(SaveDialog(free_file(f"{name}-{self.sim.seed}", ".swarm"), self.save))

    def save(self, file: str) -> None:
        """Write the run so far as a recording, and what is still to come as it comes. Raises FileError, or
        RecordingError for the name of a scenario that no recording can hold."""
        scenario, params, _ = self._from
        recorder = Recorder.opened(file, self.driver.history, scenario, params)
        self._end_recording()
        self._recorder = recorder
        self.driver.witness = self._write_on
        self.tell(f"saved as {file}, and kept up to date as the run goes on; swarmscope replay {file} plays it again")

    def _write_on(self) -> None:
        """Write down what was done since the last time; where that fails, say so once, and write no more."""
        recorder = self._recorder
        if recorder is not None:
            try:
                recorder.note()
            except FileError as error:
                recorder.close()
                self._recorder = self.driver.witness = None
                self.tell(str(error), title="Not done")

    def _end_recording(self) -> None:
        recorder, self._recorder, self.driver.witness = self._recorder, None, None
        if recorder is not None:
            try:
                recorder.end()
            except FileError as error:
                recorder.close()
                self.tell(str(error), title="Not done")

    def on_unmount(self) -> None:
        """The run ends here."""
        self._end_recording()

    def action_export(self) -> None:
        """Ask what to make of the run so far, and have it made beside the run."""
        scenario, params, _ = self._from
        record = partial(Recorder.opened, history=self.driver.history, scenario=scenario, params=params)
        self.ask(ask_export(self, scenario, record, self._current))

    def action_start_over(self) -> None:
        """The same run from the start."""
        self._again(self.sim.seed)

    def compare(self, number: int) -> None:
        """See this branch and the one with this number side by side. Raises CommandError where that cannot be done."""
        from app.screens.comparing import open_comparison

        self.driver.paused = True
        self.app.push_screen(open_comparison(self, number), lambda _: self.draw(everything=True))

    def action_new_seed(self) -> None:
        """The same with another seed."""
        self._again(None)

    def _again(self, seed: int | None) -> None:
        scenario, params, script = self._from
        speed = float("inf") if self.driver.speed is None else self.driver.speed
        paused = self.driver.paused and not self.driver.ended
        self.app.play(  # type: ignore[attr-defined]
            scenario,
            params,
            seed=seed,
            speed=speed,
            script=script,
            paused=paused,
            replay=None if seed is None else self._replay,
        )

    def action_menu(self) -> None:
        """Back to the menu; the run ends."""
        self.app.show_menu()  # type: ignore[attr-defined]

    def action_quit(self) -> None:
        """Leave the program."""
        self.app.exit()
