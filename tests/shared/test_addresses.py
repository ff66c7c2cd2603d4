"""Which addresses count as public."""

from ipaddress import ip_address

import pytest

from shared.addresses import AllowList, is_public, parse_ip
from shared.errors import SettingsError

PRIVATE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.254",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.0.9",
    "192.0.0.170",
    "192.0.2.1",
    "192.88.99.3",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:a9fe:a9fe",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2002:a9fe:a9fe::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "2606:4700::5efe:7f00:1",
    "2606:4700::200:5efe:a00:1",
    "4000::1",
    "8000::1",
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "172.32.0.1",
    "192.0.1.1",
    "198.20.0.1",
    "223.255.255.255",
    "::ffff:8.8.8.8",
    "2606:4700:4700::1111",
    "2001:4860:4860::8888",
    "2a00:1450:4001:81c::200e",
]


@pytest.mark.parametrize("text", PRIVATE)
def test_private_special_and_disguised_addresses_are_not_public(text: str) -> None:
    assert not is_public(parse_ip(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_addresses_of_the_open_internet_are_public(text: str) -> None:
    assert is_public(parse_ip(text))


def test_table_holds_addresses_that_the_standard_library_alone_lets_through() -> None:
    let_through = [text for text in PRIVATE if ip_address(text.partition("%")[0]).is_global]
    assert len(let_through) >= 15


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f.1", "8.8.8.8%00.example.com", "1.2.3.4.5", "[::1]"])
def test_other_text_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_ip(text)


def test_list_covers_the_ports_and_networks_that_it_names_and_nothing_else() -> None:
    allowed = AllowList.parse([" 10.0.0.0/8", "127.0.0.1:9000", "[::1]:9000", "Files.lan.:80", "192.168.1.7", ""])

    assert allowed.covers(parse_ip("10.9.8.7"), 1234)
    assert allowed.covers(parse_ip("::ffff:10.9.8.7"), 1234)
    assert allowed.covers(parse_ip("127.0.0.1"), 9000)
    assert allowed.covers(parse_ip("::1"), 9000)
    assert allowed.covers(parse_ip("192.168.1.7"), 80)
    assert not allowed.covers(parse_ip("127.0.0.1"), 9001)
    assert not allowed.covers(parse_ip("127.0.0.2"), 9000)
    assert not allowed.covers(parse_ip("192.168.1.8"), 80)
    assert allowed.names("files.LAN", 80)
    assert not allowed.names("files.lan", 81)
    assert not allowed.names("files.lan.evil.test", 80)


@pytest.mark.parametrize(
    "entry", ["files.lan", "files.lan:", ":80", "files.lan:0", "files.lan:65536", "10.0.0.0/99", "x:²"]
)
def test_entry_that_names_no_address_stops_the_start(entry: str) -> None:
    with pytest.raises(SettingsError, match="host:port or a CIDR"):
        AllowList.parse([entry])
