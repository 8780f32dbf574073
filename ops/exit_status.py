"""The exit status of the operator's commands."""

from workstation.exit_status import ExitStatus


class Exit(ExitStatus):
    """How an operator's command ended."""

    OK = 0, "The command did what it says, and nothing needs attention."
    ATTENTION = 1, "Something needs an operator's attention, or the command was refused."
    USAGE = 2, "The command line is wrong. Nothing was done."
    UNREACHABLE = 3, "The system could not be reached."
