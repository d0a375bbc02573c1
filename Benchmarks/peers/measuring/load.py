"""The load, and what comes of it."""

import json
import os
import subprocess
import time

from .processes import Failure

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# What is not in these is still on its way.
DONE = ("delivered", "read", "failed")


def offer(system, seconds, connections, first, rate=0):
    """Posts messages for so many seconds; in a closed loop without a rate. Answers what the load program saw."""
    run = subprocess.run(
        [
            "wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s", "--timeout", "10s",
            "--script", os.path.join(HERE, "load.lua"), f"{system.url}/v1/messages", "--", system.key, str(rate),
        ],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds + 60,
        env={**os.environ, "LOAD_FIRST": str(first)})
    line = next((line for line in run.stdout.splitlines() if line.startswith("LOAD ")), None)
    if run.returncode != 0 or line is None:
        raise Failure(f"wrk ended with {run.returncode}: {run.stdout[-2000:]}")
    return json.loads(line.removeprefix("LOAD "))


def settle(system, limit, every=0.1):
    """Waits until everything is done, or the time is up. Answers the counts and the time at which the last was done."""
    end = time.monotonic() + limit
    done, at = -1, time.monotonic()
    while True:
        counts = system.counts()
        now = time.monotonic()
        if sum(counts[status] for status in DONE) != done:
            done, at = sum(counts[status] for status in DONE), now
        if done == sum(counts.values()) or now > end:
            return counts, at
        time.sleep(every)


def measure(system, sandbox, options):
    """One measurement of a running system."""
    # Connections, caches and compiled expressions are those of a system that has been up for a while.
    offer(system, 2, 8, first=0)
    before, _ = settle(system, 60)
    idle = system.use()

    begin = time.monotonic()
    load = offer(system, options.seconds, options.connections, first=10_000_000, rate=options.rate)
    loaded, loaded_use = system.counts(), system.use()
    counts, end = settle(system, options.settle)
    settled_use = system.use()

    def since(counts, *statuses):
        return sum(counts[status] - before[status] for status in statuses)

    def resident(use):
        return sum(part.resident_bytes for part in use.values())

    completed, failed = since(counts, "delivered", "read"), since(counts, "failed")
    accepted = since(counts, *counts)
    largest = max(loaded_use, settled_use, key=resident)
    seconds = {name: part.processor_seconds - idle[name].processor_seconds for name, part in settled_use.items()}
    provider = sandbox.statistics()
    return {
        "seconds": load["seconds"],
        "accepted": accepted,
        "accepted_per_second": (load["answers"] - load["refused"]) / load["seconds"],
        "accept_p50_ms": load["p50_ms"],
        "accept_p99_ms": load["p99_ms"],
        "accept_max_ms": load["max_ms"],
        "errors": load["refused"] + load["broken"],
        "completed": completed,
        "failed": failed,
        "not_completed": accepted - completed - failed,
        "completed_during_load": since(loaded, "delivered", "read"),
        "lifecycle_seconds": end - begin,
        "lifecycles_per_second": completed / (end - begin),
        "duplicates_at_provider": provider["duplicates"],
        "webhooks_lost": provider["webhooks"]["failed"] + provider["webhooks"]["discarded"],
        "processor_us_per_message": 1e6 * sum(seconds.values()) / max(1, accepted),
        "processor_us_per_message_by_process": {name: 1e6 * part / max(1, accepted) for name, part in seconds.items()},
        "resident_bytes_idle": resident(idle),
        "resident_bytes": resident(largest),
        "resident_bytes_by_process": {name: part.resident_bytes for name, part in largest.items()},
    }
