"""Things to try with gossip: parameters to start with, commands to run, and what to watch for."""

from __future__ import annotations

from engine.scenario import Experiment

EXPERIMENTS = (
    Experiment(
        "partition",
        "Split the network, and heal it",
        "The rumour of second 6 is told in the left half only: its column stops at 48 %, and no agent on the right can "
        "know what it misses. After the heal at second 15 it crosses over and everybody knows within a few seconds.",
        {"agents": 40},
        "at 5s partition a-0*,a-1* | a-2*,a-3*,a-4*\nat 6s rumour a-01 the bridge is closed\nat 15s heal",
        "h heals it earlier; the stage shows who knows f2",
    ),
    Experiment(
        "two-truths",
        "One fact, two new versions",
        "During a partition both sides change the same fact, and both call it version 2. After the heal the two "
        "versions meet, and every agent decides alike, whatever it hears first: the one of the higher origin wins "
        "everywhere, without a vote and without a leader.",
        {"agents": 30},
        "at 5s partition a-0*,a-1* | a-2*,a-30\n"
        'at 6s update a-01 f1 "the ferry leaves at one"\n'
        'at 6s update a-30 f1 "the ferry leaves at two"\n'
        "at 14s heal",
        "watch ◪ (another version) go over the stage; enter inspects an agent's facts",
    ),
    Experiment(
        "last",
        "The last ones are the hardest to find",
        "With push the number of those who know doubles every round, so half of them know after eight or nine; then "
        "most calls reach somebody who knows already, and the last few cost as many rounds again. Set mode to pull: "
        "a slow start, a quick end. Push-pull has the best of both, in half the rounds.",
        {"agents": 300, "mode": "push", "timing": "rounds"},
        "",
        "m goes to the menu, to set mode; compare rounds to all with its theory",
    ),
    Experiment(
        "cold",
        "A rumour that dies too early",
        "With k=1 an agent loses interest at the first partner who knows, and about one agent in five never hears. "
        "With k=3 about one in a hundred is left out, for less than three times the traffic.",
        {"agents": 1000, "protocol": "rumour", "mode": "push", "timing": "rounds", "k": 1},
        "",
        "m goes to the menu, to set k=3; watch residue beside its theory, e to the power of minus the traffic",
    ),
    Experiment(
        "crash",
        "A third of the agents crash",
        "A third of the agents are down when a second rumour starts. Gossip needs no list of who is up: the others all "
        "hear, hardly later. When those that crashed are restarted they still know what they had on disk, and catch "
        "up with the rest.",
        {"agents": 60},
        "at 4s crash a-4*,a-5*\nat 5s rumour a-01 the bridge is closed\nat 15s restart a-4*,a-5*",
        "r restarts the selected agent earlier",
    ),
    Experiment(
        "newcomers",
        "Newcomers that nobody told anybody about",
        "Five agents join, and only they know of their links. Each says hello to three neighbours; its advertisement "
        "then travels with everybody's messages like any other rumour, and a few seconds later half of the agents call "
        "it like anybody else. The newcomers soon know what there is to know, and hear the rumour of second 20 as "
        "quickly as the old hands.",
        {"agents": 30},
        "at 6s join 5\nat 20s rumour a-01 the bridge is closed",
        "the narration says who is discovered by whom; peers counts the advertisements that an agent holds",
    ),
    Experiment(
        "silent",
        "Partners that never answer",
        "A quarter of the agents listen and ask, but tell nothing. The others note who leaves their calls unanswered, "
        "and from the second time on pass them over: the column doubts grows for just those three, and news flows "
        "around them. They hear it too, since they ask.",
        {"agents": 12},
        "at 1s byzantine a-1* silent\nat 40s rumour a-01 the bridge is closed",
        "set trust=no in the menu, and they are called as often as all the others",
    ),
    Experiment(
        "liar",
        "One liar",
        "A liar passes facts on in other words, under the same version. Gossip cannot tell which words are true: two "
        "texts spread under one version, one wins everywhere, and the invariant one-text-per-version says who was "
        "taken in first, when, and by which event.",
        {"agents": 30},
        "at 1s byzantine a-05 liar\nat 6s rumour a-05 the bridge is closed",
        "the status line names the broken invariant; w on its event asks why",
    ),
)
