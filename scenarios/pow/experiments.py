"""Things to try with proof of work: parameters to start with, commands to run, and what to watch for."""

from __future__ import annotations

from engine.scenario import Experiment

EXPERIMENTS = (
    Experiment(
        "fork",
        "See the chain fork and heal",
        "News takes a fifth of the interval to get around, so now and then a miner finds a block before it has "
        "heard of another's. Both stand at one height, and the agents are divided: each goes on from the block that "
        "it saw first. The next find decides, the others leave their branch, and the block left behind was work in "
        "vain. About one block in seven is stale, and the plot beside the chain says what theory expects.",
        {"latency": 2.0, "latency_model": "constant", "topology": "mesh", "relay": "direct", "blocks": 100},
        "",
        "select a block on the stage to see who has it, and when each got it; raise latency in the menu for more forks",
    ),
    Experiment(
        "partition",
        "Two histories, and only one survives",
        "From second 60 on the network is split, five miners from three, and neither side notices: both chains "
        "grow, each more slowly than before. After the heal at second 260 the chain with less work is given up, all "
        "the blocks since the split are undone on that side, and its payments go back to the mempools and into "
        "later blocks.",
        {"transactions": 1.0, "retarget": 0},
        "at 60s partition miner-1,miner-2,miner-3,miner-4,miner-5 | miner-6,miner-7,miner-8\nat 260s heal",
        "h heals it earlier; the longer the split, the deeper the reorganisation",
    ),
    Experiment(
        "majority",
        "Who has the majority can take back what it paid",
        "Miner-8 buys hash power until it has seven tenths of all, and pays miner-1, who waits for three "
        "confirmations. Meanwhile it mines a hidden branch in which the money stays its own. Being faster than all "
        "the others together it must get ahead: it publishes, and blocks that had three confirmations or more are "
        "undone everywhere.",
        {"retarget": 0},
        "at 50s hashpower miner-8 0.7\nat 60s double-spend miner-8 miner-1 3",
        "the hidden branch shows on the stage until it is published; the narration says when miner-1 ships",
    ),
    Experiment(
        "confirmations",
        "How many confirmations are enough?",
        "An attacker with a fifth of the hash power tries again and again to take back a payment that has one "
        "confirmation. Two tries in five succeed, as the formula says. Set confirmations to 6 in the menu, and it "
        "is one in forty. Theory is beside the metric double spends won, with Nakamoto's own estimate.",
        {
            "attacker": "double-spend",
            "attacker_share": 0.2,
            "confirmations": 1,
            "mining": "sampled",
            "relay": "direct",
            "topology": "mesh",
            "latency": 0.01,
            "retarget": 0,
            "transactions": 0,
            "blocks": 1500,
        },
        "",
        "watch at full speed; m goes to the menu, to set confirmations",
    ),
    Experiment(
        "selfish",
        "A miner that hides its finds earns more than its share",
        "A miner with two fifths of the hash power keeps its blocks back, and publishes them when others find one: "
        "their work is then in vain more often than its own. With half of the honest power on its side in a tie it "
        "earns about half of all blocks, and the honest miners less than they would without it. Below the "
        "threshold, a quarter here, it would lose by it.",
        {
            "attacker": "selfish",
            "attacker_share": 0.4,
            "gamma": 0.5,
            "mining": "sampled",
            "relay": "direct",
            "topology": "mesh",
            "latency": 0.01,
            "retarget": 0,
            "transactions": 0,
            "blocks": 1500,
        },
        "",
        "▒ on the stage is hidden; the plot shows the attacker's revenue beside theory, and beside its hash power",
    ),
    Experiment(
        "retarget",
        "The difficulty follows the hash power",
        "At second 100 a newcomer's machines give miner-8 three quarters of all hash power, and blocks come four "
        "times as fast. Every twentieth block the target is set anew, by how long those twenty took: within two or "
        "three periods a block is about four times as hard to find, and the interval is back at ten seconds.",
        {"retarget": 20, "mining": "sampled"},
        "at 100s hashpower miner-8 0.78",
        "watch difficulty and mean block interval; the narration says when the target changes",
    ),
    Experiment(
        "eclipse",
        "An agent that hears only its enemies",
        "Miner-7 and miner-8 become the only peers of miner-4 and tell it nothing. It mines on, on a chain of its "
        "own that nobody else will ever follow, and takes payments there for confirmed. When it is released at "
        "second 300 it hears of the real chain, asks for its headers and blocks, and undoes all that it had "
        "believed.",
        {"retarget": 0},
        "at 30s eclipse miner-4 miner-7,miner-8\nat 300s release miner-4",
        "its tip stays behind in the agents pane; enter inspects its chain",
    ),
    Experiment(
        "catch-up",
        "Back after a long absence",
        "Miner-5 is down from second 40 to second 240. When it starts again it has the blocks that it had on disk, "
        "asks a peer for the headers that follow, checks them, and then fetches the blocks: within a few seconds it "
        "mines on the same tip as everybody else.",
        {},
        "at 40s crash miner-5\nat 240s restart miner-5",
        "c crashes and r restarts the selected agent; watch get-headers, headers and block in the messages pane",
    ),
)
