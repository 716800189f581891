"""Shell completion: scenarios, their parameters, and the values of those that have a choice."""

from __future__ import annotations

import os
from typing import ClassVar

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    add_completion_class,
    get_completion_class,
    shell_complete,
    split_arg_string,
)

from app.cli import COMPLETE, PROGRAM
from engine.errors import SwarmscopeError


def complete(cli: click.Command, instruction: str) -> int:
    """Answer the shell's `instruction`, such as `zsh_complete`; returns the exit status."""
    return shell_complete(cli, {}, PROGRAM, COMPLETE, instruction)


def source(cli: click.Command, shell: str) -> str:
    """The script that a user's shell reads once to complete our command."""
    kind = get_completion_class(shell)
    assert kind is not None  # the command line offers only shells that click knows
    return kind(cli, {}, PROGRAM, COMPLETE).source()


def scenarios(incomplete: str) -> list[CompletionItem[str]]:
    """Scenarios that `incomplete` may become, or else a file."""
    from scenarios.registry import names

    found = [CompletionItem(name) for name in names() if name.startswith(incomplete)]
    return found or [CompletionItem(incomplete, type="file")]


def settings(incomplete: str) -> list[CompletionItem[str]]:
    """What follows `-p`: the scenario's parameters, and after the `=` what a choice may be."""
    from engine.params import specs
    from scenarios.registry import find, names

    # While the value of an option is missing, click knows no arguments yet, so we look for the scenario.
    line = os.environ.get("COMP_LINE") or os.environ.get("COMP_WORDS", "")
    scenario = next((word for word in split_arg_string(line) if word in names() or word.endswith(".py")), "")
    try:
        known = specs(find(scenario).Params)
    except SwarmscopeError:
        return []
    name, equals, _ = incomplete.partition("=")
    if not equals:
        return [CompletionItem(f"{spec.name}=", help=spec.help) for spec in known if spec.name.startswith(name)]
    choices = [spec.choices or (("yes", "no") if spec.type == "yes/no" else ()) for spec in known if spec.name == name]
    values = [f"{name}={value}" for several in choices for value in several]
    return [CompletionItem(value) for value in values if value.startswith(incomplete)]


@add_completion_class
class Bash(BashComplete):
    """Bash breaks words at `=`: it hands over the line instead, and wants only what comes after the sign."""

    source_template: ClassVar[str] = """\
%(complete_func)s() {
    local type value
    COMPREPLY=()
    while IFS=, read -r type value; do
        case $type in
            file) compopt -o default ;;
            dir) compopt -o dirnames ;;
            plain)
                COMPREPLY+=("$value")
                if [[ $value == *= ]]; then compopt -o nospace; fi ;;
        esac
    done < <(COMP_LINE="${COMP_LINE:0:COMP_POINT}" %(complete_var)s=bash_complete "$1")
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ.get("COMP_LINE", "")
        words = split_arg_string(line)[1:]
        incomplete = words.pop() if words and not line[-1:].isspace() else ""
        return words, incomplete

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        found = super().get_completions(args, incomplete)
        sign = incomplete.find("=") + 1
        return [CompletionItem(item.value[sign:], item.type, item.help) for item in found]
