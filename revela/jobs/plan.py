"""A job that is only planned, on the terminal: its items, its tasks, how long it would take and what it would cost."""

import sys

from rich.console import Console

from revela.rows import one_line, print_rows
from shared.wire.plan import Estimate, JobPlan, PlannedItem


def print_plan(plan: JobPlan) -> None:
    """Write one row per item (id, seconds of a worker, files); all else on standard error, or around them."""
    console = Console(stderr=not sys.stdout.isatty(), highlight=False, soft_wrap=True)
    console.print(f"{plan.operation}  {_count(plan.items_total, 'item')} in {_count(len(plan.tasks), 'task')}")
    console.print(_estimate(plan.estimate))
    print_rows(map(_row, plan.items), ("item", "work", "files"))
    if plan.items_total > len(plan.items):
        console.print(f"… and {plan.items_total - len(plan.items)} more")
    for warning in plan.warnings:
        console.print(one_line(f"warning: {warning.item} {warning.pointer}: {warning.detail}"))


def _row(item: PlannedItem) -> tuple[str, ...]:
    return item.id, f"{item.work_s:.1f} s", ", ".join(f"{output.slot} {output.content_type}" for output in item.outputs)


def _estimate(estimate: Estimate) -> str:
    reason = "as past jobs here took" if estimate.basis == "measured" else "as the operation itself guesses"
    cost = "cost unknown" if estimate.cost is None else f"{estimate.cost.amount:.4f} {estimate.cost.currency}"
    return f"{estimate.work_s:.1f} s of work, done in {estimate.finish_in_s:.1f} s ({reason}), {cost}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
