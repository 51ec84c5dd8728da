"""Which IP addresses everybody on the Internet may be sent to."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address behind a translator
# What some versions of Python take for global: obsolete ways to write an IPv4 address (RFC 4291
# 2.5.5.1, RFC 2765), site-local ones (RFC 3879), translators of one network's own (RFC 8215).
_NOBODYS = tuple(map(ip_network, ("::/96", "::ffff:0:0:0/96", "fec0::/10", "64:ff9b:1::/48")))


def is_public(address: str) -> bool:
    """Whether everybody on the Internet means the same machine by it."""
    plain = ip_address(address.partition("%")[0])
    if any(plain in network for network in _NOBODYS):
        return False
    within = _within(plain) if isinstance(plain, IPv6Address) else None
    return all(one.is_global and not one.is_multicast for one in (plain, within) if one is not None)


def _within(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo
