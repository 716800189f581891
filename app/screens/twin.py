"""The live screen of two runs side by side: the two stages of any two, and the screen of a pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from textual.app import ComposeResult
from textual.containers import Container

from app.screens.live import LiveScreen
from app.twin import BothFramer, TwinDriver, TwinFramer
from engine.commands import Timed
from engine.scenario import Scenario
from engine.views import StageView
from scenarios.pair import Pair
from widgets.stage import StagePane

SIDE_BY_SIDE = 180  # columns from which the two stages stand beside one another


class BothScreen(LiveScreen):
    """Two runs, live, in one set of panes; each has its own stage."""

    def __init__(
        self,
        framer: BothFramer,
        driver: TwinDriver,
        scenario: str,
        params: Mapping[str, Any],
        script: Sequence[Timed] = (),
    ) -> None:
        super().__init__(driver, scenario, params, script)
        self._both = self._framer = framer
        self._right_stage = StagePane(number=None, id="stage-right")

    def compose_stages(self) -> ComposeResult:
        """Both stages."""
        with Container(id="twins"):
            yield self._stage
            yield self._right_stage

    def resized(self, width: int, height: int) -> None:
        """Another size: the stages may fit beside one another."""
        self.query_one("#twins").set_class(width >= SIDE_BY_SIDE, "-beside")
        super().resized(width, height)

    def _arrange(self) -> None:
        super()._arrange()
        for part in (self._right_stage, *self.query("#twins, #middle")):
            part.display = self._stage.display

    def show_stage(self, view: StageView) -> None:
        """Draw both stages."""
        left, right = self._both.stages((self._stage.selected, self._right_stage.selected))
        self._stage.show(left)
        self._right_stage.show(right)

    def action_pane(self, number: int) -> None:
        """To another pane; 3 again goes over to the other stage."""
        other = number == 3 and self._stage.has_focus_within
        super().action_pane(number)
        if other:
            self._right_stage.focus()


class TwinScreen(BothScreen):
    """The two runs of a pair: every key acts on both."""

    def __init__(
        self, pair: Pair, driver: TwinDriver, scenario: str, params: Mapping[str, Any], script: Sequence[Timed] = ()
    ) -> None:
        super().__init__(TwinFramer(pair, driver.sim, driver.right), driver, scenario, params, script)
        self._pair = pair

    @property
    def scenario(self) -> Scenario:
        """The pair, with the commands and misbehaviours of both sides."""
        return self._pair

    def action_save(self) -> None:
        """Say that there is nothing to save it in."""
        self.tell("two runs do not fit into one recording; play one of the two scenarios to save it", title="Not done")

    def action_export(self) -> None:
        """Say that there is nothing to make it from."""
        sentence = "two runs do not fit into one recording; play one of the two scenarios to export it"
        self.tell(sentence, title="Not done")
