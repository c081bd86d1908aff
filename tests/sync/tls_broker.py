"""A server that a test scripts: what it shows as TLS, and what it got to see of a client."""

import socket
import ssl
import threading
import warnings

from tests.sync.pki import Pair


class TlsBroker:
    """A context manager. `seen`: what clients said to it inside TLS; `raw` instead of a pair: it
    speaks no TLS at all, and answers so."""

    host = "127.0.0.1"

    def __init__(self, folder, pair: Pair | None = None, raw=b"", newest=None):
        self.seen = b""
        self.raw = raw
        self._context = None
        if pair:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*pair.write(folder, "server"))
            if newest:
                self._context.set_ciphers("ALL:@SECLEVEL=0")
                with warnings.catch_warnings(action="ignore"):  # deprecated, which is the point
                    self._context.minimum_version = newest
                    self._context.maximum_version = newest
        self._listener = socket.create_server((self.host, 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _serve(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.settimeout(10)
            try:
                if self._context is None:
                    client.sendall(self.raw)
                else:
                    client = self._context.wrap_socket(client, server_side=True)
                while piece := client.recv(4096):
                    self.seen += piece
            except OSError:
                pass  # the client has left, as it should
            finally:
                client.close()
