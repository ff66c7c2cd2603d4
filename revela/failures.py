"""Why a command ends without success, and the exit code that tells a script.

RevelaError
├── JobNotCompleted     1   the job ended, but not as COMPLETED
├── SomethingBroken     1   the doctor found it, or the demo did
├── NotConfirmed        1   asked back, somebody said no
├── UsageFault          2   what was asked for can't be done as it was said
├── ServerUnreachable   3   a server of this machine's own did not start or is away
├── ReaderGone        141   what the command wrote into stopped reading (as a shell says it: 128 + SIGPIPE)
├── Interrupted       130   Ctrl-C while a job was followed, which goes on
└── ClientError             of the calls to a server (revela/client/errors.py)
    ├── Refused, InvalidArgument                  2   the server or the client can't take it as it is
    ├── DownloadDamaged                           1   what came is not what it should be
    └── ConnectionFailed, NotRevela,              3   nobody answered, or something that is not Revela,
        ServerError, UploadFailed                     or it failed

Errors of `shared/errors.py` that reach the command line end it with 2 (settings, requests), 3 (drivers) or 1
(webhooks that are not to be believed).
"""

from typing import ClassVar

from revela.client.errors import (
    ConnectionFailed,
    DownloadDamaged,
    NotAuthenticated,
    NotRevela,
    Refused,
    ServerError,
    UploadFailed,
)
from shared.errors import AdapterError, RevelaError, WebhookUnverified

NOT_AS_WISHED = 1
WRONGLY_ASKED = 2
NOBODY_THERE = 3


class JobNotCompleted(RevelaError):
    """The job did not complete."""

    exit_code: ClassVar[int] = NOT_AS_WISHED


class SomethingBroken(RevelaError):
    """Something that is needed does not work."""

    exit_code: ClassVar[int] = NOT_AS_WISHED


class NotConfirmed(RevelaError):
    """Nothing was done."""

    exit_code: ClassVar[int] = NOT_AS_WISHED


class UsageFault(RevelaError):
    """The command can't be run like this."""

    code = "usage"
    exit_code: ClassVar[int] = WRONGLY_ASKED


class ServerUnreachable(RevelaError):
    """The server can't be reached."""

    code = "unreachable"
    exit_code: ClassVar[int] = NOBODY_THERE


class Interrupted(RevelaError):
    """The command was interrupted."""

    code = "interrupted"
    exit_code: ClassVar[int] = 130


class ReaderGone(RevelaError):
    """What this was written into stopped reading."""

    code = "reader-gone"
    exit_code: ClassVar[int] = 141


def message_of(error: RevelaError) -> str:
    """Return what a person is told: the detail, and each field at fault on a line of its own."""
    faults = [f"{fault.pointer.lstrip('/') or '(body)'}: {fault.detail}" for fault in getattr(error, "errors", ())]
    return "\n  ".join([_as_typed(error), *faults])


def _as_typed(error: RevelaError) -> str:
    """Return an error's detail in the words of the command line where the server speaks of HTTP."""
    match error:
        case NotAuthenticated(server=server) if server:
            return f"the key in REVELA_API_KEY or --key is not known at {server}"
        case Refused(code="unknown-operation"):
            return "there is no operation of that name; revela operations lists them"
    return error.detail


def exit_code_of(error: RevelaError) -> int:
    """Return the exit code that `error` ends a command with."""
    match error:
        case AdapterError() | ConnectionFailed() | NotRevela() | ServerError() | UploadFailed():
            return NOBODY_THERE
        case DownloadDamaged() | WebhookUnverified():
            return NOT_AS_WISHED
    return int(getattr(error, "exit_code", WRONGLY_ASKED))
