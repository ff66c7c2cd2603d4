"""`revela submit`, `revela retry` and `revela upload`: give a server a job, or a file for one."""

from pathlib import Path
from typing import Annotated

import typer


def _needed(key: str) -> str:
    """Return the key; UsageFault where there is none says how to get one."""
    if not key:
        from revela.called_as import called_as
        from revela.failures import UsageFault

        make = f"{called_as()} keys create NAME --tenant TENANT"
        raise UsageFault(f"no API key: make one where the server runs with {make}, then set REVELA_API_KEY or --key")
    return key


JobId = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")]
Url = Annotated[str, typer.Option(envvar="REVELA_URL", help="The server's address.")]
Key = Annotated[
    str,
    typer.Option(
        envvar="REVELA_API_KEY",
        default_factory=str,
        callback=_needed,
        help="An API key of the server.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Write only JSON.")]
Wait = Annotated[bool, typer.Option("--wait", help="Follow the job until it has ended.")]
Output = Annotated[Path | None, typer.Option(metavar="DIR", help="Wait, then save the outputs here, named by item id.")]
Images = Annotated[
    list[str] | None,
    typer.Option(
        metavar="URL|FILE",
        help="A picture, by its address or a file here, which is uploaded first: one item for each, again for more. "
        "Its file's name is the item's id: beach for …/beach.jpg, and beach-2 for a second one.",
    ),
]
OutputTtl = Annotated[
    str | None,
    typer.Option(
        metavar="SPAN|keep",
        help="How long its outputs stay once it has ended: a number and s, m, h, d or w, such as 12h or 30d.",
        show_default="3d",
    ),
]
QueueTtl = Annotated[
    str | None,
    typer.Option(metavar="SPAN", help="How long it may wait for a worker, such as 90s or 2h.", show_default="1d"),
]

LOCAL_SERVER = "http://127.0.0.1:3000"


def submit(
    operation: Annotated[str, typer.Argument(help="What to do, such as img2vid; `revela operations` lists them.")],
    key: Key,
    url: Url = LOCAL_SERVER,
    param: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="A parameter of every item, again for more; font.family=Inter sets a field within. JSON values are "
            "read. A file here is uploaded first: video=clip.mp4, or video=@clip.mp4.",
        ),
    ] = None,
    image: Images = None,
    items: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.json",
            help="A JSON list of items, each with its id; - reads standard input. Files here are uploaded first.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only show what it would be: its files, time, cost, and what to mend first."),
    ] = False,
    wait: Wait = False,
    output: Output = None,
    label: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A label to find the job by; again for more.")
    ] = None,
    priority: Annotated[str | None, typer.Option(help="low, normal or high.", show_default="normal")] = None,
    output_ttl: OutputTtl = None,
    queue_ttl: QueueTtl = None,
    webhook: Annotated[
        str | None, typer.Option(metavar="URL", help="An https address that is told when the job has ended.")
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Called again with the same, it is the same job.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Submit a job. With --wait the exit code is 0 only if it COMPLETED.

    Without --image and --items there is one item, of --param alone, with the id 0.
    """
    from revela.jobs.asked.request import labels_named
    from revela.jobs.submit import Server, Typed, Wishes, plan_job, submit_job
    from revela.keeping.spans import span_or_keep, span_s

    further = {
        "labels": labels_named(label or ()),
        "priority": priority,
        "output_ttl_s": None if output_ttl is None else span_or_keep("--output-ttl", output_ttl),
        "queue_ttl_s": None if queue_ttl is None else span_s("--queue-ttl", queue_ttl),
        "webhook": webhook,
    }
    typed = Typed(operation, param or (), image or (), items, further)
    if dry_run:
        plan_job(Server(url, key), typed, as_json=as_json)
        return
    submit_job(Server(url, key), typed, Wishes(wait or output is not None, output, as_json), idempotency_key)


def upload(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files here.", show_default=False)],
    key: Key,
    url: Url = LOCAL_SERVER,
    content_type: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help="What they are, where their names do not say it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send files straight to the server's storage. Tells what stands for each as a job's input.

    Called again after it broke off or was killed, it goes on where it was. A file that is there is not sent again.
    """
    from revela.jobs.submit import Server
    from revela.uploads.send import upload_files

    upload_files(Server(url, key), files, content_type, as_json=as_json)


def retry(
    job_id: JobId,
    key: Key,
    url: Url = LOCAL_SERVER,
    wait: Wait = False,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Submit anew the items of a job that did not complete. Its new job is told; asked again, it is the same one."""
    from revela.jobs.submit import Server, Wishes, retry_job

    retry_job(Server(url, key), job_id, Wishes(wait or output is not None, output, as_json))
