"""Things to try with auctions: parameters to start with, commands to run, and what to watch for."""

from __future__ import annotations

from engine.scenario import Experiment

EXPERIMENTS = (
    Experiment(
        "winners-crash",
        "Winners crash, and their leases run out",
        "Half of the contractors crash at second 4, in the middle of their work. Nobody tells the manager. It only "
        "sees that their progress reports, and so the renewals of their leases, stay away; three seconds later the "
        "leases run out one by one, and each task is announced again and awarded to somebody else. Every task is "
        "done, none of them twice at a time. At second 15 the crashed ones come back with nothing in their hands, and "
        "bid again.",
        {"tasks": 40},
        "at 4s crash c-01,c-02,c-03,c-04\nat 15s restart c-01,c-02,c-03,c-04",
        "c crashes the selected contractor; watch the leases on the board run out",
    ),
    Experiment(
        "standby",
        "The manager crashes",
        "At second 4 the manager is gone. Its standby hears no beats, asks the witness, and takes over two seconds "
        "later. It asks the contractors what they hold, renews their leases, and leaves the other old tasks alone "
        "until no lease of its predecessor can last; new tasks go out at once. All tasks are done. When the old "
        "manager comes back at second 14 it hears who acts now, and stands by.",
        {"tasks": 40},
        "at 4s crash m-1\nat 14s restart m-1",
        "c on s-1 as well, and nobody is left who may award: the tasks wait until one of the two is restarted",
    ),
    Experiment(
        "two-managers",
        "A partition with a manager on each side",
        "From second 4 the manager is cut off with three contractors. It goes on running, but neither its standby nor "
        "the witness answers its beats: its mandate ends, and it awards nothing more. The standby takes over on the "
        "other side. So there are two managers, and never two that act: no task is with two contractors at a time. "
        "After the heal at second 16 the old manager hears of the later term, and stands by.",
        {"tasks": 40},
        "at 4s partition m-1,c-01,c-02,c-03 | s-1,w-1,c-04,c-05,c-06,c-07,c-08\nat 16s heal",
        "the agents pane shows who acts and who has no mandate; h heals it earlier",
    ),
    Experiment(
        "slow-clocks",
        "Leases and clocks that are slow",
        "The clocks of all contractors run at a fifth of the true pace, and from second 4 four of them are cut off "
        "from the manager. By its clock their leases run out after three seconds; by theirs, much later. So they go "
        "on working while the manager gives their tasks to others, and the invariant one-award breaks. A lease keeps "
        "its promise only among clocks of one pace; without the first command nothing breaks.",
        {"tasks": 60, "gap": 0.25, "capacity": 4},
        "at 2s skew c-0* -80%\nat 4s partition c-01,c-02,c-03,c-04 | c-05,c-06,c-07,c-08,m-1,s-1,w-1\nat 20s heal",
        "the status line names the broken invariant; w on its event asks why",
    ),
    Experiment(
        "honesty",
        "A second price makes honesty pay",
        "Four bidders, a hundred items, second price. One of them bids 40 % more than things are worth to it, and wins "
        "far more often; but what it wins besides costs it more than it is worth. Its profit is lower than with honest "
        "bids, on the same items, whatever the factor: 0.7 is no better than 1.4. Set rule to first-price, and honesty "
        "pays nothing at all.",
        {"mode": "single-item", "contractors": 4, "tasks": 100},
        "at 0s deviate c-01 1.4",
        "m goes to the menu to run it without the command; compare the profit of c-01 in the agents pane",
    ),
    Experiment(
        "learning",
        "Bidders that learn to shade",
        "Two bidders, first price. By theory each should bid half of its value. These know no theory: each tries "
        "margins from 0 to 60 % and keeps to what pays (a bandit, UCB1). At first the price is near two thirds, which "
        "is what honest bidders would pay; it falls well below one half as both learn that it does not pay to be "
        "honest here.",
        {"mode": "single-item", "contractors": 2, "tasks": 600, "rule": "first-price", "bids": "adaptive", "gap": 0.2},
        "",
        "speed up with + and watch the mean payment fall; bids=equilibrium shows where it should go, 0.33",
    ),
    Experiment(
        "defaulter",
        "A contractor that never delivers",
        "One contractor bids half of what the work costs it, wins, reports that all goes well, and never delivers. "
        "After three times the promised time the manager takes the task away and halves its trust; after the second "
        "time it is barred for ten leases. Its bids stay the lowest on the board, and win nothing.",
        {"tasks": 60},
        "at 0s byzantine c-01 defaulter",
        "the column trust in the agents pane; b gives the selected contractor another misbehaviour",
    ),
    Experiment(
        "shill",
        "A manager that invents a bid",
        "In a second-price sale the winner pays the best bid of the others, and takes the seller's word for it. From "
        "second 10 the seller pretends that somebody bid just short of the winner: each winner pays all it bid, the "
        "mean payment climbs away from (n−1)/(n+1), and nobody can tell. In an open auction it could not be done.",
        {"mode": "single-item", "contractors": 5, "tasks": 80},
        "at 10s byzantine m-1 shill",
        "the plot of the mean payment leaves its theory",
    ),
    Experiment(
        "neighbours",
        "Nobody manages: neighbours trade",
        "Tasks come to agents at random, and each agent hands a task on to the neighbour that does it for less, until "
        "nobody's neighbour does. On a ring every agent sees two others, and tasks get stuck with somebody who is "
        "merely the best of three. Set topology to mesh: everybody sees everybody, and the total cost is close to the "
        "optimum, for four times the messages.",
        {"mode": "neighbours", "topology": "ring", "tasks": 40},
        "",
        "m goes to the menu, to set topology; compare efficiency and messages per task",
    ),
)
