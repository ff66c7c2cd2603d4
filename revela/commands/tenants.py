"""`revela tenants`: whose keys open anything; works on the server's database directly."""

from typing import Annotated

import typer

from revela.commands.keys import AsJson, DataDir

tenants = typer.Typer(no_args_is_help=True, help="List, suspend and limit tenants, in the server's database.")

Tenant = Annotated[str, typer.Argument(help="The tenant, as `list` shows it.")]


@tenants.command("list")
def list_(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the tenants."""
    from revela.tenants import list_tenants

    list_tenants(data_dir, as_json=as_json)


@tenants.command()
def suspend(tenant: Tenant, data_dir: DataDir = None) -> None:
    """Refuse whatever a tenant's keys ask, within seconds. What runs goes on."""
    from revela.tenants import suspend_tenant

    suspend_tenant(data_dir, tenant)


@tenants.command()
def resume(tenant: Tenant, data_dir: DataDir = None) -> None:
    """Let a suspended tenant's keys open again what they did."""
    from revela.tenants import resume_tenant

    resume_tenant(data_dir, tenant)


@tenants.command()
def sources(
    tenant: Tenant,
    hosts: Annotated[
        list[str] | None,
        typer.Argument(help="example.com for that host, '*.example.com' for all below it; none shows the list."),
    ] = None,
    any_host: Annotated[bool, typer.Option("--any", help="Lift the limit: inputs may come from any host.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Show which hosts a tenant's inputs may come from, or say which."""
    from revela.failures import UsageFault
    from revela.tenants import set_sources, show_sources

    if hosts and any_host:
        raise UsageFault("give either hosts or --any")
    if hosts or any_host:
        set_sources(data_dir, tenant, hosts or [])
    else:
        show_sources(data_dir, tenant)
