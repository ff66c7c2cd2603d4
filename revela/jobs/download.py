"""Downloading what a job made."""

import json
import sys
from pathlib import Path

from revela.called_as import called_as
from revela.failures import Interrupted, JobNotCompleted
from revela.jobs.save import make_folder, save_outputs
from revela.jobs.submit import Server


def download_job(server: Server, job_id: str, folder: Path, *, as_json: bool) -> None:
    """Save every output that there is and print where; what is there already is kept, what broke off is taken up.

    JobNotCompleted if there is nothing to save; Interrupted on Ctrl-C tells how to go on.
    """
    make_folder(folder)
    with server.client() as client:
        items = list(client.items(job_id))
        try:
            saved = save_outputs(client, items, folder, quiet=as_json)
        except KeyboardInterrupt:
            command = f"{called_as()} download {job_id} {folder}"
            raise Interrupted(f"what has arrived is kept; go on with: {command}") from None
    files = [str(path) for path in saved.values()]
    if as_json:
        print(json.dumps({"files": files}, indent=2))
    else:
        sys.stdout.writelines(f"{file}\n" for file in files)
    if not saved:
        raise JobNotCompleted(f"{job_id} has no outputs")
