"""Posts JSON to an HTTP address: five seconds at most, no redirects, its secrets never told."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from sfctl.model import codec

if TYPE_CHECKING:
    import http.client

TIMEOUT_S = 5.0
SCHEMES = ("http", "https")


class Refused(Exception):
    """What was wrong, in words that hold nothing of the address but its host."""


def post(address: str, body: object, *, timeout: float = TIMEOUT_S) -> None:
    """Post `body` as JSON. Raises Refused for everything but a 2xx answer."""
    import http.client
    import ssl

    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Refused("its address is not a URL") from None
    if parts.scheme not in SCHEMES or not host:
        raise Refused("its address is not an http or https URL")
    headers = {"Content-Type": "application/json", "User-Agent": "sfctl"}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("POST", path, codec.encode(body), headers)
        status = connection.getresponse().status
    except TimeoutError:
        raise Refused(f"{host} did not answer within {timeout:g} s") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Refused(f"{host} cannot be reached ({type(error).__name__})") from None
    finally:
        connection.close()
    if not 200 <= status < 300:
        raise Refused(f"{host} answered {status}")
