"""A network namespace of a check's own, with a cable to the engines that can be pulled, and another for everything else."""

import itertools
import os
import shutil
import socket
import subprocess
import threading
import urllib.parse

from harness import Skipped

_numbers = itertools.count(os.getpid() % 200)


class Namespace:
    """Programs in it reach servers on this host's loopback through forwarders."""

    def __init__(self, world):
        if os.geteuid() != 0 or shutil.which("ip") is None:
            raise Skipped("it takes root, and ip from iproute2, to make a network namespace")
        self.world, self.number = world, next(_numbers) % 250
        self.name = f"martlet{self.number}"
        try:
            self._ip("netns", "add", self.name)
        except subprocess.CalledProcessError as error:
            raise Skipped(f"no network namespace can be made here: {error.stderr.strip()}") from None
        world.closing(lambda: self._ip("netns", "del", self.name))
        for kind in (0, 1):
            here, there = f"mh{self.number}x{kind}", f"mn{self.number}x{kind}"
            self._ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", self.name)
            self._ip("addr", "add", f"{self._address(kind)}/30", "dev", here)
            self._ip("link", "set", here, "up")
            self._ip("-n", self.name, "addr", "add", f"{self._address(kind, 2)}/30", "dev", there)
            self._ip("-n", self.name, "link", "set", there, "up")
        self._ip("-n", self.name, "link", "set", "lo", "up")
        # Where what runs in it can be reached, and what it is started with.
        self.address = self._address(1, 2)
        self.launcher = ("ip", "netns", "exec", self.name)

    def _address(self, kind, host=1):
        return f"10.{213 + kind}.{self.number}.{host}"

    def _ip(self, *arguments):
        subprocess.run(["ip", *arguments], check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)

    def to_engine(self, url):
        """The URL under which an engine on loopback is reached over the cable that can be pulled."""
        return self._forwarded(url, 0)

    def to_host(self, url):
        """The same for what stays reachable."""
        return self._forwarded(url, 1)

    def _forwarded(self, url, kind):
        parts = urllib.parse.urlsplit(url)
        forwarder = Forwarder(self._address(kind), parts.port)
        self.world.closing(forwarder.close)
        login = parts.netloc.rpartition("@")[0]
        place = f"{self._address(kind)}:{forwarder.port}"
        return parts._replace(netloc=f"{login}@{place}" if login else place).geturl()

    def pull(self):
        """Every packet to and from the engines is lost from now on."""
        self._ip("link", "set", f"mh{self.number}x0", "down")

    def plug(self):
        self._ip("link", "set", f"mh{self.number}x0", "up")


class Forwarder:
    """Passes connections on to a port of this host's loopback."""

    def __init__(self, address, port):
        self._target = port
        self._listener = socket.create_server((address, 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._target), timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            # A peer that is gone without a word is noticed, as a server would.
            near.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, seconds in ((socket.TCP_KEEPIDLE, 5), (socket.TCP_KEEPINTVL, 3), (socket.TCP_KEEPCNT, 3)):
                near.setsockopt(socket.IPPROTO_TCP, option, seconds)
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 15_000)
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pass(source, sink):
        try:
            while data := source.recv(65_536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self._listener.close()
