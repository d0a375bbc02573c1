"""What a check does to the machine around a process: a small disk, another clock. Nothing outside the check's processes sees it."""

import glob
import os
import shutil
import struct
import subprocess

from harness import Failure, Skipped


class SmallDisk:
    """A file system of a few megabytes in a mount namespace of its own, which goes when the check ends.

    Processes started with its `launcher` see it at `database`'s folder; the check reaches in through `outside`.
    """

    def __init__(self, world, megabytes):
        if os.geteuid() != 0:
            raise Skipped("mounting a small disk takes root")
        probe = subprocess.run(["unshare", "-m", "true"], capture_output=True, text=True)
        if probe.returncode != 0:
            raise Skipped(f"no mount namespace to be had here: {probe.stderr.strip()}")
        self.folder = os.path.join(world.folder, "disk")
        os.mkdir(self.folder)
        # Lives as long as the check and holds the namespace.
        self.holder = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o "size=$1m" none "$2" && echo ready && exec sleep infinity',
             "sh", str(megabytes), self.folder],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        world.closing(self.close)
        if self.holder.stdout.readline().strip() != "ready":
            raise Skipped(f"a tmpfs cannot be mounted here: {self.holder.stderr.read().strip()}")
        self.launcher = ("nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", "--wd=" + world.folder, "--")
        self.outside = f"/proc/{self.holder.pid}/root{self.folder}"
        self.database = "disk/martlet.db"

    def fill(self):
        """Leaves not a byte free."""
        with open(os.path.join(self.outside, "ballast"), "ab", buffering=0) as ballast:
            for size in (1 << 20, 4096, 1):
                try:
                    while True:
                        ballast.write(b"\0" * size)
                except OSError:
                    continue

    def free(self):
        """Makes room again."""
        os.remove(os.path.join(self.outside, "ballast"))

    def set_read_only(self, is_read_only):
        """Remounts it. Only while nothing on it is open for writing."""
        option = "remount,ro" if is_read_only else "remount,rw"
        done = subprocess.run([*self.launcher, "mount", "-o", option, self.folder], capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f"mount -o {option}: {done.stderr}")

    def copy(self, to):
        """Copies the database out, to be looked at."""
        for path in glob.glob(os.path.join(self.outside, "martlet.db*")):
            shutil.copy(path, to)
        return os.path.join(to, "martlet.db")

    def close(self):
        self.holder.kill()
        self.holder.wait(10)


class MovableClock:
    """A wall clock for the processes that are started in its `environment`; the clocks that never jump stay as they are."""

    def __init__(self, world):
        compiler = shutil.which("clang") or shutil.which("cc")
        if not compiler:
            raise Skipped("there is no C compiler to build the movable clock with")
        library, offset = os.path.join(world.folder, "movable_clock.so"), os.path.join(world.folder, "clock")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "movable_clock.c")
        built = subprocess.run(
            [compiler, "-shared", "-fPIC", "-O1", "-o", library, source], capture_output=True, text=True)
        if built.returncode != 0:
            raise Failure(f"the movable clock cannot be built: {built.stderr}")
        self._file = open(offset, "w+b")
        world.closing(self._file.close)
        self.move(0)
        self.environment = {"LD_PRELOAD": library, "MOVABLE_CLOCK": offset}

    def move(self, seconds):
        """Sets the clock that many seconds away from the machine's, from now on."""
        os.pwrite(self._file.fileno(), struct.pack("=q", seconds), 0)


class OwnNames:
    """Host names that lead to this machine, for the processes that are started with the `launcher`."""

    def __init__(self, world, *names):
        if os.geteuid() != 0:
            raise Skipped("host names of one's own take root")
        path = os.path.join(world.folder, "hosts")
        with open(path, "w", encoding="ascii") as hosts:
            hosts.write("127.0.0.1 localhost " + " ".join(names) + "\n")
        self.launcher = ("unshare", "-m", "sh", "-c", f'mount --bind "{path}" /etc/hosts && exec "$@"', "sh")
        probe = subprocess.run([*self.launcher, "getent", "hosts", names[0]], capture_output=True, text=True)
        if "127.0.0.1" not in probe.stdout:
            raise Skipped(f"host names of one's own are not to be had here: {probe.stderr.strip()}")


def may_use_low_ports():
    """Whether anybody may listen on ports below 1024 here."""
    try:
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as file:
            return int(file.read()) <= 80 or shutil.which("setpriv") is None
    except OSError:
        return True


def without_low_ports():
    """A launcher for processes that may not listen on ports below 1024."""
    if os.geteuid() != 0:
        return ()
    return ("setpriv", "--bounding-set", "-net_bind_service", "--inh-caps", "-net_bind_service", "--")
