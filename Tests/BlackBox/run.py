#!/usr/bin/env python3
"""Runs the black-box checks: the built program as processes, watched from outside.

usage: run.py --martlet PATH [--store URL [--queue URL] [--inbox URL] [--throttle URL]] [--pipeline] [--only TEXT] [--list]
              [--parallel N]

With --store postgres://…, each check has a database of its own on that server; else it has a SQLite file. The other URLs are servers beside it, on which it has
places of its own. Prints a line for
each check and ends with "N passed, N failed"; a check that this machine cannot run is named with the reason. Checks that measure rates run alone, the others a few at a time. Exit code 1 when a check failed.
"""

import argparse
import concurrent.futures
import importlib
import os
import pathlib
import shutil
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness  # noqa: E402
import registry  # noqa: E402

printing = threading.Lock()


# The modules whose checks are about the way of a message, whatever the engines.
PIPELINE = {"check_sending", "check_retries", "check_rates", "check_unknown_outcomes", "check_webhooks", "check_replays",
            "check_nodes"}


def run_check(check, martlet, server=None, engines=None):
    """Runs one check in a folder of its own. Answers `ok`, `FAIL` or `skip`."""
    folder = tempfile.mkdtemp(prefix="martlet-check-")
    world = harness.World(martlet, folder, server, engines)
    # A check that hangs loses its processes, and with them what it waits for.
    watchdog = threading.Timer(check.limit, world.kill_all)
    watchdog.start()
    start = time.monotonic()
    failure = skipped = None
    try:
        check.body(world)
    except harness.Skipped as reason:
        skipped = str(reason)
    except harness.Failure as error:
        failure = str(error)
    except Exception:
        failure = traceback.format_exc()
    finally:
        took = time.monotonic() - start
        watchdog.cancel()
        if failure:
            failure += "".join(f"\n--- {os.path.basename(p.log_path)}\n{p.log_tail()}" for p in world.processes)
        world.close()
        shutil.rmtree(folder, ignore_errors=True)
    if failure and took >= check.limit:
        failure = f"stopped after {check.limit} s\n{failure}"
    verdict = "FAIL" if failure else "skip" if skipped else "ok"
    with printing:
        print(f"{verdict:4} {check.name} ({took:.1f} s)", flush=True)
        for remark in world.remarks:
            print("     " + remark, flush=True)
        if failure or skipped:
            print("     " + (failure or skipped).replace("\n", "\n     "), flush=True)
    return verdict


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--martlet", required=True, help="the built program")
    parser.add_argument("--store", help="a PostgreSQL server on which databases may be made: postgres://…")
    for part in ("queue", "inbox", "throttle"):
        parser.add_argument(f"--{part}", help=f"a server for {part}.url")
    parser.add_argument("--pipeline", action="store_true", help="runs only the checks about a message's way")
    parser.add_argument("--only", help="runs the checks whose name has this text in it")
    parser.add_argument("--list", action="store_true", help="prints the names and runs nothing")
    parser.add_argument("--parallel", type=int, default=3, help="checks at a time")
    arguments = parser.parse_args()

    for module in sorted(pathlib.Path(__file__).parent.glob("check_*.py")):
        importlib.import_module(module.stem)
    checks = [check for check in registry.checks if not arguments.only or arguments.only in check.name]
    if arguments.pipeline:
        checks = [check for check in checks if check.body.__module__ in PIPELINE]
    engines = {part: getattr(arguments, part) for part in ("queue", "inbox", "throttle")}
    if any(engines.values()) and not arguments.store:
        parser.error("engines beside the store need --store postgres://…")
    if arguments.list:
        print("\n".join(check.name for check in checks))
        return 0
    if not checks:
        print(f"no check has '{arguments.only}' in its name", file=sys.stderr)
        return 2

    results = []
    with concurrent.futures.ThreadPoolExecutor(max(1, arguments.parallel)) as pool:
        together = [check for check in checks if not check.alone]
        results += pool.map(lambda check: run_check(check, arguments.martlet, arguments.store, engines), together)
    for check in checks:
        if check.alone:
            results.append(run_check(check, arguments.martlet, arguments.store, engines))
    skipped = f", {results.count('skip')} skipped" if "skip" in results else ""
    print(f"{results.count('ok')} passed, {results.count('FAIL')} failed{skipped}", flush=True)
    return 1 if "FAIL" in results else 0


if __name__ == "__main__":
    sys.exit(main())
