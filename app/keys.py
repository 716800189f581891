"""Every key of the screens, once: the footer, the help, the palette and the user's own keys all read this list."""

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
    rank: int  # in the footer, where there is not room for all: the smallest stay
    display: str | None = None  # how the footer writes the key
    at_once: bool = False  # whether it acts before the next key is looked at


TIME, FAULTS, LOOK, RUN = "Time", "Faults", "Looking around", "The run"

LIVE: tuple[Action, ...] = (
    Action("pause", "space", "toggle_pause", "Pause", "Pause, or go on", TIME, 1),
    Action("step", "full_stop", "step", "Step", "Let one event happen", TIME, 2, "."),
    Action("back", "comma", "back", "Back", "Go back to the moment before the last event", TIME, 10, ","),
    Action(
        "landmark-before",
        "left_square_bracket",
        "landmark_before",
        "Before",
        "Back to the last event worth seeing: a fault, a fork, a view change, a broken invariant",
        TIME,
        12,
        "[",
    ),
    Action(
        "landmark-next",
        "right_square_bracket",
        "landmark_next",
        "Next",
        "On to the next event worth seeing, running on until there is one",
        TIME,
        12,
        "]",
    ),
    Action("go", "g", "go", "Go to", "Go to a time or to an event", TIME, 17),
    Action("start", "home", "start", "Start", "Go to the start of the run", TIME, 29),
    Action("end", "end", "end", "End", "Go to where the run has come so far", TIME, 30),
    Action("timeline", "t", "timeline", "Timeline", "To the timeline: arrows move through time and branches", TIME, 6),
    Action("branch", "n", "branch", "New branch", "Begin another future here; the old one is kept", TIME, 13),
    Action("switch", "x", "switch", "Switch", "Go over to the next branch, at the same virtual time", TIME, 24),
    Action("compare", "d", "compare", "Compare", "See two branches side by side: how do they differ?", TIME, 25),
    Action("faster", "plus,equals_sign", "faster", "Faster", "Double the speed", TIME, 13, "+"),
    Action("slower", "minus", "slower", "Slower", "Halve the speed", TIME, 14, "-"),
    Action("real-time", "0", "real_time", "Real time", "One virtual second a second", TIME, 20),
    Action("flat-out", "f", "flat_out", "Flat out", "As fast as the machine can", TIME, 16),
    Action("crash", "c", "crash", "Crash", "Crash the selected agent: it loses all but its durable state", FAULTS, 3),
    Action("restart", "r", "restart", "Restart", "Restart the selected agent", FAULTS, 11),
    Action("partition", "p", "partition", "Partition", "Cut the network: pick who stands where", FAULTS, 4),
    Action("heal", "h", "heal", "Heal", "Remove every partition", FAULTS, 5),
    Action("links", "l", "links", "Links", "Set latency, loss and more, on all links or on some", FAULTS, 9),
    Action("misbehave", "b", "misbehave", "Misbehave", "Let the selected agent misbehave", FAULTS, 8),
    Action("own", "i", "own", "Inject", "The scenario's own commands", FAULTS, 7),
    Action("command", "colon", "command", "Command", "Type a command; tab completes, up recalls", RUN, 6, ":", True),
    Action("agents", "1", "pane(1)", "Agents", "To the agents", LOOK, 21),
    Action("messages", "2", "pane(2)", "Messages", "To the messages", LOOK, 22),
    Action("stage", "3", "pane(3)", "Stage", "To the stage", LOOK, 23),
    Action("metrics", "4", "pane(4)", "Metrics", "To the metrics", LOOK, 24),
    Action("story", "5", "pane(5)", "Story", "To what just happened", LOOK, 25),
    Action("zoom", "z", "zoom", "Zoom", "Give the pane the whole screen, or take it back", LOOK, 12),
    Action("face", "v", "face", "Face", "Turn the messages pane over: network, sequence, log", LOOK, 17),
    Action("next", "tab", "next_pane", "Next pane", "To the next pane; arrows move inside it", LOOK, 27),
    Action("previous", "shift+tab", "previous_pane", "Pane before", "To the pane before", LOOK, 28),
    Action("inspect", "enter", "inspect", "Inspect", "Look into the selected agent", LOOK, 15),
    Action("why", "w", "why", "Why", "Explain what is selected: the chain of causes that led to it", LOOK, 7),
    Action("filter", "slash", "filter", "Filter", "Show only agents and events that have a text", LOOK, 18, "/", True),
    Action("save", "s", "save", "Save", "Save the run as a recording: a few lines of text that replay it", RUN, 22),
    Action("export", "e", "export", "Export", "Export a picture, a film, figures or a ShiViz log", RUN, 23),
    Action("over", "R", "start_over", "Start over", "The same run from the start", RUN, 19),
    Action("new-seed", "ctrl+r", "new_seed", "New seed", "Start over with another seed", RUN, 26, "^r"),
    Action("help", "question_mark", "help", "Help", "All keys and commands", RUN, 0, "?"),
    Action("menu", "m", "menu", "Menu", "Back to the menu", RUN, 0),
    Action("quit", "q", "quit", "Quit", "Leave Swarmscope", RUN, 5),
)

MENU: tuple[Action, ...] = (
    Action("menu.play", "ctrl+s", "play", "Play", "Play the scenario with these parameters", RUN, 0, "enter"),
    Action("menu.experiments", "e", "experiments", "Experiments", "To the experiments of the scenario", LOOK, 1),
    Action("menu.parameters", "p", "parameters", "Parameters", "To the parameters", LOOK, 2),
    Action("menu.find", "slash", "find", "Find", "Find a scenario", LOOK, 3, "/", True),
    Action("menu.list", "escape", "list", "List", "Back to the list of scenarios", LOOK, 4, "esc"),
    Action("menu.help", "question_mark", "help", "Help", "All keys", RUN, 0, "?"),
    Action("menu.quit", "q", "quit", "Quit", "Leave Swarmscope", RUN, 0),
)

COMPARED: tuple[Action, ...] = (
    Action("compare.leave", "escape", "leave", "Back", "Back to the run as it was left", RUN, 4, "esc", True),
    Action("compare.parting", "P", "parting", "Parting", "To the moment where the two branches part", TIME, 3),
)
"""What only two branches side by side have."""
_REFUSED = frozenset(
    ("branch", "crash", "restart", "partition", "heal", "links", "misbehave", "own", "command", "save", "export",
     "over", "new-seed")
)  # fmt: skip
_MEANT_THERE = {
    "switch": ("Other branch", "Show the messages of the other branch", 3),
    "compare": ("Back", "Back to the run as it was left", 40),
    "menu": ("Back", "Back to the run as it was left", 40),
}


def _comparing() -> tuple[Action, ...]:
    """The keys of two branches side by side: those of the live screen but for what would change a run."""
    kept = [action for action in LIVE if action.id not in _REFUSED and action.id not in _MEANT_THERE]
    switch, *others = (
        action._replace(label=label, help=words, rank=rank)
        for action in LIVE
        if action.id in _MEANT_THERE
        for label, words, rank in (_MEANT_THERE[action.id],)
    )
    leave, parting = COMPARED
    return (leave, *kept[:2], parting, switch, *kept[2:], *others)


COMPARE: tuple[Action, ...] = _comparing()

BY_ID = {action.id: action for action in (*LIVE, *MENU, *COMPARED)}


def bindings(actions: tuple[Action, ...]) -> list[Binding]:
    """The actions as Textual wants them. What opens a line to type in acts at once, which Textual calls priority, so
    that what is typed quickly after it is never taken for keys."""
    return [
        Binding(
            action.key,
            action.action,
            action.label,
            id=action.id,
            tooltip=action.help,
            key_display=action.display,
            priority=action.at_once,
        )
        for action in actions
    ]
