"""The errors of Swarmscope. Every message is one sentence that says what is wrong and what would be right."""

from __future__ import annotations


class SwarmscopeError(Exception):
    """Anything that Swarmscope raises on purpose."""


class CommunicationError(SwarmscopeError):
    """A message that cannot be sent: no such agent, no such topic, a time to live below one."""


class TaskError(SwarmscopeError):
    """Work that an agent was given and cannot do."""


class StateError(SwarmscopeError):
    """A run or an agent is not in the state that an operation needs, such as a restart of a running agent."""


class ScenarioError(SwarmscopeError):
    """A scenario that cannot be found, loaded, or set up with the parameters given."""


class ParameterError(ScenarioError):
    """A parameter that is unknown, of the wrong type or out of range."""


class CommandError(SwarmscopeError):
    """A command that cannot be read or carried out.

    `column` (from 1) and `line` (from 1, in a script) say where, as far as known.
    """

    def __init__(
        self,
        message: str,
        *,
        column: int | None = None,
        line: int | None = None,
        source: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.column = column
        self.line = line
        self.source = source

    def __str__(self) -> str:
        place = [self.source] if self.source else []
        place += [f"line {self.line}"] if self.line is not None else []
        place += [f"column {self.column}"] if self.column is not None else []
        return f"{', '.join(place)}: {self.message}" if place else self.message
