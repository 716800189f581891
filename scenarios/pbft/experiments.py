"""Things to try with PBFT: parameters to start with, commands to run, and what to watch for."""

from __future__ import annotations

from engine.scenario import Experiment

EXPERIMENTS = (
    Experiment(
        "crash",
        "Crash the primary",
        "Everything stops when the primary r0 crashes at second 3. The clients get no answer within a second and ask "
        "all replicas; these wait for a second more, then ask for view 1. With 2f+1 votes r1 begins it, carries over "
        "what might have been promised, and the requests that waited are answered. No number is ever used twice. At "
        "second 12 r0 comes back, hears of the new view, catches up, and is a backup from then on.",
        {"requests": 40},
        "at 3s crash r0\nat 12s restart r0",
        "c crashes the selected agent earlier; the crown moves from r0 to r1",
    ),
    Experiment(
        "two-stories",
        "A primary that tells two stories",
        "From second 2 on r0 gives each number to two different requests: one half of the replicas hears of one, the "
        "other half of the other. Neither gets the 2f+1 commits that it takes, so nothing is carried out, patience "
        "runs out, and the view changes. If one of the two had prepared it keeps its number; the other gets a later "
        "one.",
        {"requests": 40},
        "at 2s byzantine r0 equivocator",
        "the stage shows votes for something else as wrong; select seq to see who voted for what",
    ),
    Experiment(
        "one-liar",
        "One liar changes nothing",
        "Replica r2 votes for wrong digests in every phase, takes wrong checkpoints, and tells the clients that "
        "nothing was paid. The other three are 2f+1, and two equal replies are f+1: every request is answered truly, "
        "as fast as before, in view 0.",
        {"requests": 40},
        "at 1s byzantine r2 liar",
        "b lets another replica misbehave as well; two liars of four bring it to a stop, but agreement holds",
    ),
    Experiment(
        "one-too-many",
        "One liar too many",
        "PBFT with f=1 stands one liar, and here are two. From second 2 on r0 tells two stories, and r1 votes for "
        "both of them: r2 and r3 each see a quorum, and carry out different requests under the same number. The chain "
        "forks, and the invariant agreement says who did what, and when. With only one of the two nothing of the kind "
        "happens.",
        {"requests": 40},
        "at 2s byzantine r0,r1 colluder",
        "the chain gets a second branch; the status line names the broken invariants",
    ),
    Experiment(
        "halves",
        "Two halves, neither a quorum",
        "From second 4 to second 12 two replicas cannot reach the other two. Neither side has 2f+1, so neither "
        "carries anything out: the chain stands still, and does not fork. Both sides ask for a new view in vain. "
        "After the heal their votes meet, the view begins, and all that waited is answered.",
        {"requests": 40},
        "at 4s partition r0,r1,c-1 | r2,r3,c-2\nat 12s heal",
        "h heals it earlier; compare proof of work, where both sides go on, and one has to undo its blocks",
    ),
    Experiment(
        "slow-primary",
        "A primary that is just not slow enough",
        "From second 3 on r0 holds each request back for four fifths of the time that the others allow it. Nobody "
        "loses patience, so it stays primary, and answers take four times as long or more. PBFT promises an answer, "
        "not a quick one: this is the attack that Prime and others were made for.",
        {"requests": 40},
        "at 3s byzantine r0 slow",
        "compare the latency before and after; m goes to the menu, to set a shorter timeout",
    ),
    Experiment(
        "behind",
        "A replica that missed a lot",
        "Replica r3 is down from second 2 to second 14, and the other three go on without it. When it is back, the log "
        "that it would need is gone, cut off at the last stable checkpoint. So it takes over the state at that "
        "checkpoint, whose digest 2f+1 replicas vouch for, and the few requests since from f+1 that say the same.",
        {"requests": 50, "checkpoint_interval": 5},
        "at 2s crash r3\nat 14s restart r3",
        "r restarts it earlier; the column stable shows where each log begins",
    ),
    Experiment(
        "forger",
        "Words in other people's mouths",
        "From second 2 on r3 sends votes and answers in the names of the other replicas, and requests in the names of "
        "clients. None of them can be proven, so all are rejected, and the counter rises; nothing else happens. "
        "Without authentication a request that no client made is carried out, and the invariant validity says so.",
        {"requests": 40},
        "at 2s byzantine r3 forger",
        "m goes to the menu, to set authentication to none, and see what it is good for",
    ),
)
