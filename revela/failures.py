"""Why a command ends without success, and the exit code that tells a script.

RevelaError
├── JobNotCompleted     1   the job ended, but not as COMPLETED
├── SomethingBroken     1   the doctor found it, or the demo did
├── UsageFault          2   what was asked for can't be done as it was said
├── ServerRefused       2   the server answered with a problem
│   └── NoSuchJob
├── ServerUnreachable   3   nobody answered, or something that is not Revela
└── Interrupted       130   Ctrl-C while a job was followed, which goes on

Errors of `shared/errors.py` that reach the command line end it with 2 (settings, requests) or 3 (drivers).
"""

from typing import ClassVar

from shared.errors import AdapterError, RevelaError
from shared.wire.problem import Problem


class JobNotCompleted(RevelaError):
    """The job did not complete."""

    exit_code: ClassVar[int] = 1


class SomethingBroken(RevelaError):
    """Something that is needed does not work."""

    exit_code: ClassVar[int] = 1


class UsageFault(RevelaError):
    """The command can't be run like this."""

    code = "usage"
    exit_code: ClassVar[int] = 2


class ServerRefused(RevelaError):
    """The server refused the request."""

    code = "refused"
    exit_code: ClassVar[int] = 2

    def __init__(self, problem: Problem) -> None:
        """Keep `problem`; the message is its detail and each faulty field."""
        faults = [f"{fault.pointer or '(body)'}: {fault.detail}" for fault in problem.errors]
        super().__init__("\n  ".join([problem.detail, *faults]))
        self.problem = problem


class NoSuchJob(ServerRefused):
    """The server knows no job of that id, or the key may not see it."""

    def __init__(self, job_id: str, problem: Problem) -> None:
        """Name the job that was asked for."""
        super().__init__(problem.model_copy(update={"detail": f"no job {job_id}", "errors": []}))


class ServerUnreachable(RevelaError):
    """The server can't be reached."""

    code = "unreachable"
    exit_code: ClassVar[int] = 3


class Interrupted(RevelaError):
    """The command was interrupted."""

    code = "interrupted"
    exit_code: ClassVar[int] = 130


def message_of(error: RevelaError) -> str:
    """Return what a person is told: the detail, and each field at fault on a line of its own."""
    faults = [f"{fault.pointer.lstrip('/')}: {fault.detail}" for fault in getattr(error, "errors", ())]
    return "\n  ".join([error.detail, *faults])


def exit_code_of(error: RevelaError) -> int:
    """Return the exit code that `error` ends a command with."""
    if isinstance(error, AdapterError):
        return ServerUnreachable.exit_code
    return int(getattr(error, "exit_code", UsageFault.exit_code))
