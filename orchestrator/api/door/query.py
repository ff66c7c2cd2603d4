"""Parameters of a request's query and path, understood strictly."""

import re
from functools import cache
from typing import Any, TypeVar, get_origin

import structlog
from pydantic import ValidationError
from starlette.requests import Request

from orchestrator.jobs.accept import field_errors
from shared.refusals import FieldError, InvalidRequest, NotFound
from shared.wire.model import ClientModel

JOB_ID = re.compile(r"job_[0-9A-HJKMNP-TV-Z]{26}")
UPLOAD_ID = re.compile(r"upl_[0-9A-HJKMNP-TV-Z]{26}")

Q = TypeVar("Q", bound=ClientModel)


def read_query(request: Request, model: type[Q]) -> Q:
    """Return the query's parameters; InvalidRequest for unknown, repeated and wrong ones (pointers begin with ?)."""
    given = request.query_params
    nul = dict.fromkeys(name for name, value in given.multi_items() if "\0" in name or "\0" in value)
    if nul:  # PostgreSQL has no such text
        raise InvalidRequest(errors=[FieldError(f"?{name}", "holds the character NUL") for name in nul])
    fields: dict[str, Any] = {name: given.getlist(name) if name in _lists(model) else given[name] for name in given}
    if sum(len(given.getlist(name)) for name in given if name not in _lists(model)) != len(set(given) - _lists(model)):
        raise InvalidRequest("A parameter of the query stands there twice.")
    try:
        return model.model_validate(fields)
    except ValidationError as invalid:
        found = field_errors(invalid, model, "parameter")
        raise InvalidRequest(errors=[FieldError(f"?{fault.pointer[1:]}", fault.detail) for fault in found]) from None


@cache
def _lists(model: type[ClientModel]) -> frozenset[str]:
    """Return the parameters that may stand there more than once."""
    return frozenset(name for name, field in model.model_fields.items() if get_origin(field.annotation) is list)


def job_id_in(request: Request) -> str:
    """Return the job id in a request's path, and bind it to the log's lines; NotFound for what can't be one."""
    job_id: str = request.path_params["job_id"]
    if not JOB_ID.fullmatch(job_id):
        raise NotFound
    structlog.contextvars.bind_contextvars(job_id=job_id)
    return job_id


def upload_id_in(request: Request) -> str:
    """Return the upload id in a request's path; NotFound for what can't be one."""
    upload_id: str = request.path_params["upload_id"]
    if not UPLOAD_ID.fullmatch(upload_id):
        raise NotFound
    structlog.contextvars.bind_contextvars(upload_id=upload_id)
    return upload_id
