"""Every key of the live screen, once: the footer, the help, the palette and the user's own keys all read this list."""

from __future__ import annotations

from typing import NamedTuple

from textual.binding import Binding


class Action(NamedTuple):
    """Something a key does. `id` names it in the settings file, `action` is the method `action_…` of the screen."""

    id: str
    key: str
    action: str
    label: str
    help: str
    group: str
    shown: bool = False  # in the footer
    display: str | None = None  # how the footer writes the key


TIME, FAULTS, LOOK, RUN = "Time", "Faults", "Looking around", "The run"

LIVE: tuple[Action, ...] = (
    Action("pause", "space", "toggle_pause", "Pause", "Pause, or go on", TIME, True),
    Action("step", "full_stop", "step", "Step", "Let one event happen", TIME, True, "."),
    Action("back", "comma", "back", "Back", "Undo the last event: go back to the moment before it", TIME, True, ","),
    Action("faster", "plus,equals_sign", "faster", "Faster", "Double the speed", TIME, False, "+"),
    Action("slower", "minus", "slower", "Slower", "Halve the speed", TIME, False, "-"),
    Action("real-time", "0", "real_time", "Real time", "One virtual second a second", TIME),
    Action("flat-out", "f", "flat_out", "Flat out", "As fast as the machine can", TIME),
    Action("crash", "c", "crash", "Crash", "Crash the selected agent: it loses all but its durable state", FAULTS, True),
    Action("restart", "r", "restart", "Restart", "Restart the selected agent", FAULTS, True),
    Action("partition", "p", "partition", "Partition", "Cut the network: pick who stands where", FAULTS, True),
    Action("heal", "h", "heal", "Heal", "Remove every partition", FAULTS, True),
    Action("links", "l", "links", "Links", "Set latency, loss and more, on all links or on some", FAULTS, True),
    Action("misbehave", "b", "misbehave", "Misbehave", "Let the selected agent misbehave", FAULTS, True),
    Action("own", "i", "own", "Inject", "The scenario's own commands", FAULTS, True),
    Action("command", "colon", "command", "Command", "Type a command; tab completes, up and down recall", RUN, True, ":"),
    Action("agents", "1", "pane(1)", "Agents", "To the agents", LOOK),
    Action("messages", "2", "pane(2)", "Messages", "To the messages", LOOK),
    Action("stage", "3", "pane(3)", "Stage", "To the stage", LOOK),
    Action("metrics", "4", "pane(4)", "Metrics", "To the metrics", LOOK),
    Action("story", "5", "pane(5)", "Story", "To what just happened", LOOK),
    Action("zoom", "z", "zoom", "Zoom", "Give the pane the whole screen, or take it back", LOOK, True),
    Action("face", "v", "face", "Network/log", "Turn the messages pane over: network, log", LOOK),
    Action("inspect", "enter", "inspect", "Inspect", "Look into the selected agent", LOOK, False, "enter"),
    Action("filter", "slash", "filter", "Filter", "Show only agents and events that have a text", LOOK, False, "/"),
    Action("over", "R", "start_over", "Start over", "The same run from the start", RUN),
    Action("new-seed", "ctrl+r", "new_seed", "New seed", "Start over with another seed", RUN),
    Action("help", "question_mark", "help", "Help", "All keys and commands", RUN, True, "?"),
    Action("menu", "m", "menu", "Menu", "Back to the menu", RUN, True),
    Action("quit", "q", "quit", "Quit", "Leave Swarmscope", RUN, True),
)

MENU: tuple[Action, ...] = (
    Action("menu.play", "ctrl+s", "play", "Play", "Play the scenario with these parameters", RUN, True, "enter"),
    Action("menu.experiments", "e", "experiments", "Experiments", "To the experiments of the scenario", LOOK, True),
    Action("menu.parameters", "p", "parameters", "Parameters", "To the parameters", LOOK, True),
    Action("menu.find", "slash", "find", "Find", "Find a scenario", LOOK, True, "/"),
    Action("menu.help", "question_mark", "help", "Help", "All keys", RUN, True, "?"),
    Action("menu.quit", "q", "quit", "Quit", "Leave Swarmscope", RUN, True),
)

BY_ID = {action.id: action for action in (*LIVE, *MENU)}


def bindings(actions: tuple[Action, ...]) -> list[Binding]:
    """The actions as Textual wants them."""
    return [
        Binding(
            action.key, action.action, action.label, show=action.shown, id=action.id, tooltip=action.help,
            key_display=action.display,
        )
        for action in actions
    ]  # fmt: skip
