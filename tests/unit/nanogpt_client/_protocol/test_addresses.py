"""Which addresses and hosts are of the open internet."""

from __future__ import annotations

import pytest

from nanogpt_client._protocol.addresses import (
    host_of,
    in_order,
    is_named,
    is_public,
    private_host,
    web_address,
)

# Each IPv4 address, and the same one within every form of IPv6 address that carries one.
FORMS = [
    "{0}",
    "::ffff:{0}",  # mapped
    "::ffff:0:{0}",  # translated
    "::{0}",  # compatible
    "64:ff9b::{0}",  # NAT64
    "2002:{1}::",  # 6to4
    "2002:{1}:1:2:3:4:5",
]
INSIDE = [
    "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "100.100.100.200", "0.0.0.0", "255.255.255.255",
    "192.0.2.1", "198.18.0.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "192.0.0.1",
]  # fmt: skip
OUTSIDE = ["8.8.8.8", "93.184.215.14", "1.1.1.1", "172.32.0.1", "100.128.0.1", "11.0.0.1"]


def form(pattern: str, address: str) -> str:
    a, b, c, d = map(int, address.split("."))
    return pattern.format(address, f"{a << 8 | b:x}:{c << 8 | d:x}")


@pytest.mark.parametrize("pattern", FORMS)
@pytest.mark.parametrize("address", INSIDE)
def test_a_private_address_is_private_in_every_form(pattern, address):
    assert not is_public(form(pattern, address))


@pytest.mark.parametrize("pattern", FORMS)
@pytest.mark.parametrize("address", OUTSIDE)
def test_a_public_one_is_public(pattern, address):
    assert is_public(form(pattern, address))


@pytest.mark.parametrize(
    "address",
    [
        "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1",
        "64:ff9b:1::808:808",  # NAT64 within one network
        "2001:0:808:808::1", "2001:db8::1", "100::1", "4000::1", "2001:10::1", "3fff::1", "",
        "cdn", "1.2.3",
    ],
)  # fmt: skip
def test_other_addresses_that_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["2606:4700::1111", "2001:4860:4860::8888", "2a00:1450::1"])
def test_addresses_of_ipv6(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "0", "0.0.0.0",
        "10.0.0.1", "169.254.169.254", "①②⑦.⓪.⓪.①", "127。0。0。1", "999999999999", "1.2.3.999",
        "::1", "::ffff:7f00:1", "fe80::1%lo", "localhost", "LOCALHOST", "localhost.", "a.localhost",
        "printer", "nas.local", "metadata.google.internal", "router.home.arpa", "wiki.corp", "",
        "127.0.0.1\xad", "metadata.google.inter\xadnal", "nas．local\ufe0f", "a..b",
    ],
)  # fmt: skip
def test_hosts_that_are_seen_to_be_inside(host):
    assert private_host(host)


@pytest.mark.parametrize(
    "host", ["example.com", "8.8.8.8", "134744072", "local.example.com", "2606:4700::1111",
             "internal.org", "1.2.3.4.5", "0x.com"],
)  # fmt: skip
def test_hosts_that_may_be_anywhere(host):
    assert not private_host(host)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Example.COM./x", "example.com"),
        ("http://user:word@example.com:81/", "example.com"),
        ("http://①.example.com/", "1.example.com"),
        ("http://[::1]:80/", "::1"),
        ("ftp://example.com/", ""),
        ("http:///etc/passwd", ""),
        ("http://[::1/", ""),
        ("http://a b/", ""),
        ("http://127.0.0.1\\@example.com/", ""),
        ("http://127.0.0.1＼@example.com/", ""),
        ("http://%31%32%37.0.0.1/", ""),
        ("http://％31％32％37.0.0.1/", ""),
        ("http://us%40er@example.com/a%20b\\c", "example.com"),
        ("http://[fe80::1%25lo]/", "fe80::1%25lo"),
        ("http://example.com:0/", ""),
        (f"http://{'a' * 70}.com/", ""),
        ("x.png", ""),
    ],
)
def test_the_host_of_an_address(url, host):
    assert host_of(url) == host
    assert (web_address(url) is None) == (host == "")


def test_addresses_are_tried_by_turns():
    given = ["2606::1", "2606::2", "2606::3", "1.1.1.1", "2606::1", "1.1.1.2"]
    assert in_order(given) == ("2606::1", "1.1.1.1", "2606::2", "1.1.1.2")
    assert in_order(["1.1.1.1", "2606::1"]) == ("1.1.1.1", "2606::1")
    assert in_order([]) == ()


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("example.com", True), ("cdn.example.org", True), ("a.b.example.org", True),
        ("example.org", False), ("www.example.com", False), ("evilexample.org", False),
        ("example.com.evil.net", False), ("", False),
    ],
)  # fmt: skip
def test_lists_of_hosts(host, named):
    assert is_named(host, ["Example.com.", "*.example.org"]) is named
