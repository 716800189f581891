"""The live screen of two runs side by side: every key acts on both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from textual.app import ComposeResult
from textual.containers import Container

from app.screens.live import LiveScreen
from app.twin import TwinDriver, TwinFramer
from engine.commands import Timed
from engine.scenario import Scenario
from engine.views import StageView
from scenarios.pair import Pair
from widgets.stage import StagePane

SIDE_BY_SIDE = 180  # columns from which the two stages stand beside one another


class TwinScreen(LiveScreen):
    """Two runs, live."""

    def __init__(
        self, pair: Pair, driver: TwinDriver, scenario: str, params: Mapping[str, Any], script: Sequence[Timed] = ()
    ) -> None:
        super().__init__(driver, scenario, params, script)
        self._pair = pair
        self._twin = self._framer = TwinFramer(pair, driver.sim, driver.right)
        self._right_stage = StagePane(number=None, id="stage-right")

    @property
    def scenario(self) -> Scenario:
        """The pair, with the commands and misbehaviours of both sides."""
        return self._pair

    def compose_stages(self) -> ComposeResult:
        """Both stages."""
        with Container(id="twins"):
            yield self._stage
            yield self._right_stage

    def resized(self, width: int, height: int) -> None:
        """Another size: the stages may fit beside one another."""
        self.query_one("#twins").set_class(width >= SIDE_BY_SIDE, "-beside")
        super().resized(width, height)

    def show_stage(self, view: StageView) -> None:
        """Draw both stages."""
        left, right = self._twin.stages((self._stage.selected, self._right_stage.selected))
        self._stage.show(left)
        self._right_stage.show(right)

    def action_pane(self, number: int) -> None:
        """To another pane; 3 again goes over to the other stage."""
        other = number == 3 and self._stage.has_focus_within
        super().action_pane(number)
        if other:
            self._right_stage.focus()

    def action_save(self) -> None:
        """Say that there is nothing to save it in."""
        self._tell("two runs do not fit into one recording; play one of the two scenarios to save it", title="Not done")
