"""Parameters of a request's query and path, understood strictly."""

import re
from typing import TypeVar

from pydantic import ValidationError
from starlette.requests import Request

from orchestrator.jobs.accept import field_errors
from shared.refusals import FieldError, InvalidRequest, NotFound
from shared.wire.model import ClientModel

JOB_ID = re.compile(r"job_[0-9A-HJKMNP-TV-Z]{26}")

Q = TypeVar("Q", bound=ClientModel)


def read_query(request: Request, model: type[Q]) -> Q:
    """Return the query's parameters; InvalidRequest for unknown, repeated and wrong ones (pointers begin with ?)."""
    given = request.query_params.multi_items()
    fields = dict(given)
    if len(fields) != len(given):
        raise InvalidRequest("A parameter of the query stands there twice.")
    try:
        return model.model_validate(fields)
    except ValidationError as invalid:
        found = field_errors(invalid, model, "parameter")
        raise InvalidRequest(errors=[FieldError(f"?{fault.pointer[1:]}", fault.detail) for fault in found]) from None


def job_id_in(request: Request) -> str:
    """Return the job id in a request's path; NotFound for what can't be one."""
    job_id: str = request.path_params["job_id"]
    if not JOB_ID.fullmatch(job_id):
        raise NotFound
    return job_id
