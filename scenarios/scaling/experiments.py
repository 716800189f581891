"""Things to try with scaling: parameters to start with, commands to run, and what to watch for."""

from __future__ import annotations

from engine.scenario import Experiment

EXPERIMENTS = (
    Experiment(
        "startup",
        "A spike, and workers that need time to start",
        "At second 20 four times as many tasks come. The rule of Kubernetes notices within a few seconds and asks "
        "for more workers, but each needs ten seconds to start: until then the queue can only grow, past 40 tasks. "
        "Once they are there it melts away, and by second 90 it is empty; the pool stays large for a while, because "
        "the highest recommendation of the last seconds counts. With startup=500ms the queue never gets nearly as "
        "long.",
        {"workers": 5, "arrivals": "poisson", "arrival_rate": 3.0, "startup": 10.0, "horizon": 120.0},
        "at 20s spike x4 for 30s",
        "the plot shows wanted run ahead of ready, by the start-up time",
    ),
    Experiment(
        "choices",
        "The power of two choices",
        "Fifty workers that are busy for 90 % of their time, each with a queue of its own. Every task asks two "
        "workers drawn at random, and joins the shorter queue: hardly any queue gets longer than five, and tasks "
        "stay for less than 4 seconds on average. Set routing to random, where nobody asks anybody: the same work "
        "takes more than twice as long, since some workers idle while others have a dozen tasks.",
        {
            "workers": 50,
            "policy": "fixed",
            "arrivals": "poisson",
            "arrival_rate": 45.0,
            "routing": "two-choices",
            "horizon": 200.0,
        },
        "",
        "m goes to the menu, to set routing=random; compare time in system mean with its theory",
    ),
    Experiment(
        "killed",
        "Two workers die in the middle of their tasks",
        "Two of six workers are killed at second 10. They say nothing, so nobody knows: φ rises, a second or two "
        "later they are suspected and get nothing new, and when their leases have run out, their tasks go to others "
        "and two new workers are started. No task is lost, and none is done twice.",
        {
            "workers": 6,
            "policy": "fixed",
            "arrivals": "poisson",
            "arrival_rate": 4.0,
            "service_rate": 1.0,
            "horizon": 60.0,
        },
        "at 10s kill 2",
        "c on a worker crashes it; the tiles show its suspicion grow",
    ),
    Experiment(
        "suspicion",
        "Two detectors on a slow network",
        "From second 20 on messages take anything up to 2.5 seconds. A fixed limit of 2 seconds takes late "
        "heartbeats for deaths, again and again: healthy workers are suspected by the dozen, and get no tasks "
        "meanwhile. Set detector to phi: it has a few false alarms while it learns how heartbeats come now, and then "
        "stays calm.",
        {
            "workers": 10,
            "policy": "fixed",
            "arrivals": "poisson",
            "arrival_rate": 3.0,
            "detector": "timeout",
            "timeout": 2.0,
            "lease": 20.0,
            "horizon": 150.0,
        },
        "at 20s latency 10ms..2.5s",
        "m goes to the menu, to set detector=phi; the narration says who is suspected",
    ),
    Experiment(
        "wave",
        "A forecast is ahead of the wave",
        "The load goes up and down once a minute, and workers need eight seconds to start. Holt and Winters watch "
        "the first minute; from then on workers are started before they are needed: wanted rises ahead of the load. "
        "Set policy to target-utilisation, which asks for workers when the wave is there: 95 in 100 tasks then take "
        "longer, by a third or more.",
        {
            "workers": 8,
            "max_workers": 40,
            "arrivals": "diurnal",
            "arrival_rate": 10.0,
            "policy": "predictive",
            "startup": 8.0,
            "horizon": 300.0,
        },
        "",
        "the plot has the forecast as a dashed line; type policy target-utilisation to go without",
    ),
    Experiment(
        "overload",
        "More than the pool can ever do",
        "The pool may have six workers, and tasks for twelve come from second 20 to 60. Once the pool is full and "
        "too much waits, it turns tasks of low priority away, and says so; if that is not enough, those of normal "
        "priority, too; never those of high priority. The queue stays bounded, and after the spike everybody is "
        "welcome again.",
        {
            "workers": 4,
            "max_workers": 6,
            "arrivals": "poisson",
            "arrival_rate": 3.0,
            "horizon": 120.0,
        },
        "at 20s spike x4 for 40s",
        "watch shed, and the note on the stage; with shed=0 the queue grows until the spike ends",
    ),
    Experiment(
        "grey",
        "A worker that is neither dead nor well",
        "At second 10 w-2 becomes eight times as slow. It beats as regularly as ever, so no detector suspects it; "
        "what gives it away is that its tasks take longer than planned. It gets nothing new while it is behind, and "
        "after two such reports it is drained and replaced. At second 60 w-3 takes tasks and does none at all: those "
        "that are far too late are taken from it, and it has to go as well.",
        {"workers": 5, "policy": "fixed", "arrivals": "poisson", "arrival_rate": 3.5, "lease": 12.0, "horizon": 120.0},
        "at 10s byzantine w-2 slow\nat 60s byzantine w-3 hoarder",
        "the agents pane has its pace; b makes another worker misbehave",
    ),
    Experiment(
        "teams",
        "Three teams, and a lead that dies",
        "The coordinator deals tasks out to three leads; each has its own workers, queue and scaling. At second 15 "
        "lead-2 crashes. Its workers have nobody to report to, and stand idle; what they had goes to the other teams "
        "when lead-2's lease has run out, and those grow. At second 45 lead-2 is back, with its books, and its team "
        "works again. No task is lost.",
        {
            "teams": 3,
            "workers": 9,
            "arrivals": "poisson",
            "arrival_rate": 5.0,
            "min_workers": 6,
            "max_workers": 30,
            "horizon": 90.0,
        },
        "at 15s crash lead-2\nat 45s restart lead-2",
        "the tiles are grouped by team",
    ),
)
