"""The page of a gateway that runs on this machine: where it is, and whether it can be there.

Control goes on without its page, and has nobody to tell so: what is in the way is told before.
"""

import ipaddress
import socket


def place(address: str, port: int) -> str:
    """What a browser is given; which of several addresses, whoever is at the machine must know."""
    if ipaddress.ip_address(address).is_unspecified:
        return f"on port {port} of all addresses of this machine"
    return f"http://[{address}]:{port}/" if ":" in address else f"http://{address}:{port}/"


def trouble(address: str, port: int) -> str:
    """Why the port cannot be had now; empty when it can."""
    kind = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
    with socket.socket(kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the page itself
        try:
            probe.bind((address, port))
        except OSError as error:
            return f"{address} port {port}: {error.strerror}"
    return ""
