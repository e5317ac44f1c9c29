"""URLs of bidders: which are allowed, and their parts."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import urlsplit

PRINTABLE = re.compile(r"[\x21-\x7e]+\Z")
URL_LENGTH = 8_192
Place = tuple[str, int, bool]
"""Host, port, and whether TLS is used."""


class Address(NamedTuple):
    """The place of a URL: host, port, whether TLS is used, and the target of the request."""

    host: str
    port: int
    is_tls: bool
    target: str

    @property
    def place(self) -> Place:
        """Host, port and TLS."""
        return self.host, self.port, self.is_tls


def address_of(url: str) -> Address | None:
    """Return the parts of an http or https URL; None for any other text, and for one that could smuggle in a header or a password."""
    if len(url) > URL_LENGTH or not PRINTABLE.match(url):
        return None
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not host or parts.username or parts.password:
        return None
    is_tls = parts.scheme == "https"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Address(host, (443 if is_tls else 80) if port is None else port, is_tls, target)


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine by its name: ``localhost``, 127.0.0.0/8 or ::1."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def checked_url(name: str, url: object, *, remote: bool) -> Address:
    """Return the parts of a bidder's URL.

    Raises:
        ValueError: it is no such URL, or not on this machine although ``remote`` is false.
    """
    found = address_of(url) if isinstance(url, str) else None
    if found is None:
        raise ValueError(
            f"{name} = {url}: must be a URL as in http://127.0.0.1:8080/bid, without user, password or spaces"
        )
    if not remote and not is_loopback(found.host):
        raise ValueError(
            f"{name} = {url}: must be on this machine (localhost, 127.0.0.1, ::1); remote=true allows other hosts"
        )
    return found
