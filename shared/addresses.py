"""Which network addresses are public, which others may be reached, and which hosts may be named at all."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from yarl import URL

from shared.errors import SettingsError

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network

# `ipaddress.is_global` alone lets these through. IANA's special-purpose registries name them (RFC 6890 and its
# updates), but for the last of each list: the address at which Azure's hosts serve their guests, and the
# site-local range that RFC 3879 withdrew.
_CLOSED_V4 = tuple(
    map(
        IPv4Network,
        ("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "224.0.0.0/3", "168.63.129.16/32"),
    )
)
# Among them the ways to write an IPv4 address in IPv6: compatible, NAT64, 6to4, Teredo.
_CLOSED_V6 = tuple(
    map(
        IPv6Network,
        (
            "::/96",
            "64:ff9b::/96",
            "64:ff9b:1::/48",
            "100::/64",
            "2001::/23",
            "2001:db8::/32",
            "2002::/16",
            "3fff::/20",
            "5f00::/16",
            "fc00::/7",
            "fe80::/10",
            "ff00::/8",
            "fec0::/10",
        ),
    )
)
_HOST_ENTRY = re.compile(r"(\*\.)?(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_UNICAST_V6 = IPv6Network("2000::/3")
# ISATAP (RFC 5214): the low 64 bits are 0:5efe or 200:5efe, then an IPv4 address.
_ISATAP_MASK, _ISATAP_MARK = 0xFDFF_FFFF, 0x0000_5EFE


def parse_ip(text: str) -> IpAddress:
    """Return the address that `text` writes: no zone, and IPv4 where it is only mapped into IPv6; or ValueError."""
    address = ip_address(text.partition("%")[0] if ":" in text else text)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_public(address: IpAddress) -> bool:
    """Whether anyone on the Internet may be meant by `address`: nothing private, special, or disguised as IPv6."""
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in network for network in _CLOSED_V4)
    if int(address) >> 32 & _ISATAP_MASK == _ISATAP_MARK:
        return False
    return address in _UNICAST_V6 and address.is_global and not any(address in network for network in _CLOSED_V6)


@dataclass(frozen=True, slots=True)
class HostList:
    """Hosts that addresses may name, and no others: whole names, or ``*.`` and a name for all that are below it."""

    names: frozenset[str]
    parents: tuple[str, ...]
    """Each with its leading dot, so that only whole labels match."""

    @classmethod
    def parse(cls, entries: Iterable[str]) -> "HostList":
        """Read ``example.com``, ``*.example.com`` or a literal address; SettingsError for any other text."""
        read = [_host_entry(entry) for entry in entries]
        return cls(
            frozenset(entry for entry in read if not entry.startswith("*")),
            tuple(entry[1:] for entry in read if entry.startswith("*")),
        )

    def admits(self, host: str) -> bool:
        """Whether `host`, as an address's parser gives it, is listed."""
        name = host.lower().rstrip(".")
        return name in self.names or any(name.endswith(parent) for parent in self.parents)

    def entries(self) -> list[str]:
        """Return the list as `parse` reads it, in order."""
        return sorted(self.names) + sorted(f"*{parent}" for parent in self.parents)


def _host_entry(entry: str) -> str:
    try:
        # By the parser that will read the addresses, which writes names in other alphabets as DNS has them.
        host = URL.build(scheme="http", host=entry.strip().removeprefix("[").removesuffix("]")).raw_host or ""
    except ValueError:
        host = ""
    host = host.lower().rstrip(".")
    if _network(host) is None and not _HOST_ENTRY.fullmatch(host):
        raise SettingsError(f"a host is written as example.com or *.example.com, not {entry!r}")
    return host


@dataclass(frozen=True, slots=True)
class AllowList:
    """Addresses that may be reached although they are private, or on a port other than 80 and 443."""

    networks: tuple[IpNetwork, ...] = ()
    hosts: frozenset[tuple[str, int]] = frozenset()
    """Lower-case host names with their port."""
    endpoints: frozenset[tuple[IpAddress, int]] = frozenset()
    only: HostList | None = None
    """Hosts besides which none may be named; None: any."""

    @classmethod
    def parse(cls, entries: Iterable[str], only_hosts: Iterable[str] | None = None) -> "AllowList":
        """Read ``host:port``, ``1.2.3.4:port``, ``[::1]:port``, an address or a CIDR; SettingsError for any other."""
        networks: list[IpNetwork] = []
        hosts: set[tuple[str, int]] = set()
        endpoints: set[tuple[IpAddress, int]] = set()
        for entry in filter(None, (entry.strip() for entry in entries)):
            if network := _network(entry):
                networks.append(network)
                continue
            host, port = _host_and_port(entry)
            try:
                endpoints.add((parse_ip(host), port))
            except ValueError:
                hosts.add((host, port))
        only = None if only_hosts is None else HostList.parse(only_hosts)
        return cls(tuple(networks), frozenset(hosts), frozenset(endpoints), only)

    def names(self, host: str, port: int) -> bool:
        """Whether `host` is listed by name with this port, whatever it resolves to."""
        return (host.lower().rstrip("."), port) in self.hosts

    def covers(self, address: IpAddress, port: int) -> bool:
        """Whether this address is listed, with this port or in a network."""
        return (address, port) in self.endpoints or any(address in network for network in self.networks)


def _network(entry: str) -> IpNetwork | None:
    try:
        return ip_network(entry, strict=False)
    except ValueError:
        return None


def _host_and_port(entry: str) -> tuple[str, int]:
    host, colon, port = entry.rpartition(":")
    if not colon or not host or not (port.isascii() and port.isdecimal() and 0 < int(port) < 1 << 16):
        raise SettingsError(f"an allowed address must be host:port or a CIDR, not {entry!r}")
    return host.removeprefix("[").removesuffix("]").lower().rstrip("."), int(port)
