"""How objects are named: nothing that a user chose is part of a key."""

import re


def attempt_prefix(tenant: str, job_id: str, task_n: int, attempt: int) -> str:
    """Return where one attempt of one task writes; a later attempt never shares it."""
    return f"{tenant}/{job_id}/{task_n}-{attempt}"


def output_key(prefix: str, item_n: int, filename: str) -> str:
    """Return the key of an item's file; the item stands by its position, its id being the user's."""
    return f"{prefix}/{item_n}/{filename}"


def result_key(prefix: str, item_n: int) -> str:
    """Return the key of an item's commit marker."""
    return output_key(prefix, item_n, "result.json")


def manifest_key(prefix: str) -> str:
    """Return the key of the attempt's manifest."""
    return f"{prefix}/manifest.json"


def job_of(key: str) -> str | None:
    """Return the job that an object belongs to; None for one that belongs to no job."""
    _, _, below = key.partition("/")
    job_id, _, rest = below.partition("/")
    return job_id if rest and job_id.startswith("job_") else None


_JOB = re.compile(r"([a-z0-9][a-z0-9_-]{0,62}/job_[0-9A-HJKMNP-TV-Z]{26})/\d+-\d+/")
_ITEM = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}/(job_[0-9A-HJKMNP-TV-Z]{26})/\d+-\d+/(\d{1,9})/[^/]+")
_UPLOAD = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}/uploads/([0-9A-HJKMNP-TV-Z]{26})")


def job_prefix_of(key: str) -> str | None:
    """Return the ``{tenant}/{job}`` that a job's object lies under; None for any other object."""
    found = _JOB.match(key)
    return None if found is None else found[1]


def is_ours(key: str) -> bool:
    """Return whether an object is named as jobs' and uploads' are; others are somebody else's."""
    return job_prefix_of(key) is not None or _UPLOAD.fullmatch(key) is not None


def item_of(key: str) -> tuple[str, int] | None:
    """Return the job and the position of the item whose file an object is; None for any other object."""
    found = _ITEM.fullmatch(key)
    return None if found is None else (found[1], int(found[2]))


def upload_of(key: str) -> str | None:
    """Return the id of the upload that an object was made for; None for one of a job."""
    found = _UPLOAD.fullmatch(key)
    return None if found is None else f"upl_{found[1]}"
