"""What the agents of a pool say to one another, and what a dispatcher keeps about tasks and workers."""

from __future__ import annotations

from collections import deque

from msgspec import Struct, field

from engine.detectors import PhiAccrualDetector, TimeoutDetector
from engine.duration import SECOND
from scenarios.scaling.params import ScalingParams

NOBODY = -1
FAR = 1 << 60  # µs; a time that never comes


# --- messages -------------------------------------------------------------------------------------


class Assign(Struct, frozen=True):
    """Do this task: so much work (µs) of that kind. `turn` counts the tasks that this worker was given."""

    task: int
    work: int
    kind: int
    priority: int
    turn: int = 0


class Result(Struct, frozen=True):
    """The task is done. It waited so long here before its turn came, and took so long (µs)."""

    task: int
    waited: int
    worked: int


class Refused(Struct, frozen=True):
    """A lead's word that its team could not get the task done."""

    task: int


class Hello(Struct, frozen=True):
    """A worker is ready. `afresh` says that it knows of no tasks, whatever it was given before; `session` counts how
    often it has said hello, so that what was meant for an earlier one is known to be stale."""

    kind: int
    speed: int  # thousandths
    session: int
    afresh: bool = True


class Unknown(Struct, frozen=True):
    """I do not know you: say hello."""


class Beat(Struct, frozen=True):
    """A heartbeat: tasks at hand, the busy share of the time since the last one (thousandths), and what a lead has to
    offer."""

    load: int
    busy: int
    session: int = 0
    capacity: int = 1
    saturated: bool = False
    holds: tuple[int, ...] = ()  # a lead's tasks


class Retire(Struct, frozen=True):
    """You have nothing left to do here: leave, unless you have said hello again since."""

    session: int


class Gone(Struct, frozen=True):
    """I leave."""


# --- books ----------------------------------------------------------------------------------------


class Task(Struct):
    """A task that was accepted and has not ended. Times are those of the dispatcher that keeps it, in µs."""

    id: int
    work: int
    kind: int
    priority: int
    arrived: int
    attempts: int = 0
    queued: bool = False
    worker: int = NOBODY  # who has it
    sent: int = 0
    start: int = 0  # when it is its turn, by the plan
    end: int = 0  # when it is done, by the plan
    planned: int = 0  # how long it takes there, by the plan


class Slot(Struct):
    """What a dispatcher knows of one worker, or of a lead.

    The dispatcher knows how much work each task is, and so plans when each will be done: `free_at` is the end of the
    plan. Reports that differ from the plan correct it. `state` is starting, ready, suspected, draining or leaving.
    """

    id: int
    state: str
    since: int
    kind: int = 0
    speed: int = 1000
    tasks: dict[int, Task] = field(default_factory=dict)  # given and not reported, in the order of giving
    ends: deque[int] = field(default_factory=deque)  # their ends by the plan
    free_at: int = 0
    pace: int = 1000  # how many thousandths of the expected time it took lately
    busy: int = 0  # the busy share that it reported, averaged (thousandths)
    capacity: int = 1
    saturated: bool = False
    session: int = 0  # of its last hello
    given: int = 0
    done: int = 0
    taken_back: int = 0  # tasks in a row that it did not get done
    stalled: bool = False  # it is behind its plan, and gets nothing new from the central queue
    detector: TimeoutDetector | PhiAccrualDetector | None = None

    def load(self, now: int, slack: int) -> int:
        """Tasks that wait or run there, by the plan; all that were not reported if it is behind."""
        ends = self.ends
        while ends and ends[0] <= now:
            ends.popleft()
        if len(self.tasks) > len(ends) and self.is_behind(now, slack):
            return len(self.tasks)
        return len(ends)

    def load_shown(self, now: int, slack: int) -> int:
        """`load`, for those who only look: it changes nothing."""
        planned = sum(end > now for end in self.ends)
        return len(self.tasks) if len(self.tasks) > planned and self.is_behind(now, slack) else planned

    def is_behind(self, now: int, slack: int) -> bool:
        """Whether a report is overdue by more than `slack`."""
        for task in self.tasks.values():
            return task.end + slack < now
        return False

    def plan_again(self) -> None:
        """Forget ends of tasks that are not there any more."""
        self.ends = deque(sorted(task.end for task in self.tasks.values()))


def make_detector(params: ScalingParams, now: int) -> TimeoutDetector | PhiAccrualDetector:
    """The failure detector that the parameters ask for."""
    if params.detector == "timeout":
        return TimeoutDetector(max(1, round(params.timeout * SECOND)), now)
    expected = max(1, round(params.heartbeat * SECOND))
    return PhiAccrualDetector(expected, now, threshold=params.phi, window=50, least_deviation=max(1, expected // 8))


def speed_of(number: int, spread: float) -> int:
    """The speed of the worker with this number, in thousandths: four grades from 1 to `spread`."""
    return round(1000 + (spread - 1.0) * 1000 * ((number - 1) % 4) / 3)
