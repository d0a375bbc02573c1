"""Processes that end with the measurement, whatever happens."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time
import urllib.parse
from typing import NamedTuple


class Failure(Exception):
    """The measurement cannot go on, and why."""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(what, condition, within, every=0.05):
    """Asks until the condition answers something true, and answers that."""
    end = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"not within {within:g} s: {what}")
        time.sleep(every)


class Use(NamedTuple):
    resident_bytes: int
    processor_seconds: float


class Server:
    """A process with a log file, in a session of its own."""

    def __init__(self, folder, name, arguments, stop_signal=signal.SIGTERM, **options):
        self.name, self.log_path, self._stop_signal = name, os.path.join(folder, f"{name}.log"), stop_signal
        with open(self.log_path, "ab") as log:
            self._process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                **options)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def check(self):
        if self._process.poll() is not None:
            raise Failure(f"{self.name} ended with {self._process.returncode}: {self.log()[-2000:]}")

    def says(self, text, within=60):
        """The first line of the log with that text in it."""
        def line():
            self.check()
            return next((line for line in self.log().splitlines() if text in line), None)
        return wait_for(f"{self.name} says '{text}'", line, within)

    def address(self):
        return self.says("listening on http").rsplit(" ", 1)[1]

    def stop(self):
        """Asks it to stop; after 20 seconds ends it and its children."""
        if self._process.poll() is None:
            self._process.send_signal(self._stop_signal)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                pass
        try:
            # A child that outlived it is in its session still.
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()

    def use(self):
        """What the process and all its descendants hold and have used: the proportional share of memory in bytes, and
        processor time in seconds, that of children that have ended included."""
        children, ticks = {}, {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                        fields = file.read().rsplit(")", 1)[1].split()
                except OSError:
                    continue
                children.setdefault(int(fields[1]), []).append(int(entry))
                ticks[int(entry)] = sum(map(int, fields[11:15]))
        waiting, size, seconds = [self._process.pid], 0, 0.0
        while waiting:
            pid = waiting.pop()
            waiting += children.get(pid, [])
            seconds += ticks.get(pid, 0) / os.sysconf("SC_CLK_TCK")
            try:
                with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                    size += sum(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))
            except OSError:
                continue
        return Use(size, seconds)


def call(url, bearer, method="GET", body=None):
    """A request whose answer is JSON."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    try:
        connection.request(
            method, parts.path, body=None if body is None else json.dumps(body),
            headers={
                "Authorization": f"Bearer {bearer}", "Content-Type": "application/json", "Accept": "application/json",
            })
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    if response.status >= 300:
        raise Failure(f"{method} {url} answers {response.status}: {content[:300]!r}")
    return json.loads(content) if content else None
