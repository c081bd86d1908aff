"""`python -m cloud_bridge api` as a process on a store with two parks, and its visitors."""

import datetime
import http.client
import json
import subprocess
import sys
import threading
from pathlib import Path

from cloud_bridge import tokens
from tests.queries.stores import DAY_UTC, batch, birth, fill, row

ROOT = Path(__file__).resolve().parents[2]
PARKS = (("demo", "hall"), ("demo", "yard"), ("other", "mill"))
SECRET_W = 424_242  # what the other park draws


def store(path):
    """An hour of rows in the morning of 2026-01-04 of each gateway."""
    for park, gateway in PARKS:
        grid_w = SECRET_W if park == "other" else 1_000
        rows = [row(DAY_UTC + 15 * i, grid_w=grid_w, import_wh=10 * i, lo_by=1)
                for i in range(240)]
        fill(path, [(1, 2, birth()), *((2 + i, 1, batch(rows[60 * i:60 * i + 60]))
                                       for i in range(4))], (park, gateway), DAY_UTC + 3_600)
    return path


class Api:
    """A context manager. `tokens`: by name; anna sees the park demo, mona monitors it, hal sees
    one gateway, root all, old nothing any more."""

    def __init__(self, folder, *more, prelude=""):
        self.store, self.file = store(folder / "park.db"), folder / "tokens"
        today = datetime.datetime.now(datetime.UTC).date()
        end = today + datetime.timedelta(9)
        self.tokens = {
            "anna": tokens.new(self.file, "viewer", "demo", "*", end, "anna"),
            "mona": tokens.new(self.file, "monitor", "demo", "*", end, "mona"),
            "hal": tokens.new(self.file, "viewer", "*", "demo/hall", end, "hal"),
            "root": tokens.new(self.file, "viewer", "*", "*", end, "root"),
            "old": tokens.new(self.file, "viewer", "*", "*", today - datetime.timedelta(1), "old")}
        self._more, self._prelude = more, prelude
        self.log = []

    def __enter__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-c", f"import sys; sys.argv[0] = 'api'\n{self._prelude}\n"
             "from cloud_bridge.__main__ import main; main()", "api",
             "--store", str(self.store), "--tokens", str(self.file), "--listen",
             "127.0.0.1:0", "--json", *self._more], cwd=ROOT,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        line = self.process.stdout.readline()
        assert '"ready"' in line, line + self.process.stdout.read()
        self.host = json.loads(line)["listen"]
        self.port = int(self.host.rpartition(":")[2])
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.code = self.process.wait(15)
        self._reader.join(5)
        self.process.stdout.close()

    def _read(self):
        for line in self.process.stdout:
            self.log.append(line)

    def ask(self, path, name="root", method="GET", **headers):
        """Status, headers and body; `name` None: without a token."""
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        if name is not None:
            told["Authorization"] = f"Bearer {self.tokens.get(name, name)}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, headers=told)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def get(self, path, name="root"):
        """The JSON of an answer that is one."""
        status, _, body = self.ask(path, name)
        assert status == 200, body
        return json.loads(body)

    def refused(self, path, name="root", **headers):
        """The status of a refusal in due form, and its line."""
        status, told, body = self.ask(path, name, **headers)
        assert told["Content-Type"] == "application/problem+json"
        problem = json.loads(body)
        assert problem.keys() == {"type", "title", "status", "detail"}
        assert problem["status"] == status
        assert "\n" not in problem["detail"]
        return status, problem["detail"]
