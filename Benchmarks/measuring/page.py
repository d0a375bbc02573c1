"""Writes what was measured into the page, between its two marks; what is found beside it is written by hand."""

BEGIN = "<!-- figures: written by make bench -->"
END = "<!-- end of figures -->"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join(["---"] + ["---:"] * (len(head) - 1)) + " |"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def number(value):
    return f"{value:,.0f}"


def milliseconds(value):
    return f"{value:,.1f} ms" if value < 100 else f"{value:,.0f} ms"


def megabytes(value):
    return f"{value / 1e6:,.0f} MB"


def verdict(is_met):
    return "met" if is_met else "not met"


def figures_text(figures):
    machine, versions = figures["machine"], figures["versions"]
    start, accept, life = figures["start"], figures["accept"], figures["lifecycles"]
    hooks, waiting, channels = figures["webhooks"], figures["waiting"], figures["channels"]
    peers = figures["peers"]
    claims = waiting["claims"]
    flat = claims[-1]["claim_p50_us"] / claims[0]["claim_p50_us"]
    spread = channels[-1]["processor_us_per_message"] / channels[0]["processor_us_per_message"]
    ratio = peers["ratios"]["lifecycles_per_second"]
    million = waiting.get("resident_bytes_million_waiting", 0)
    parts = [
        f"`make bench` on {figures['date']}: {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
        f"Linux {'.'.join(machine['kernel'].split('.')[:2])}; Martlet {versions['martlet']}, "
        f"{versions['swift'].split('(')[0].strip()}, wrk {versions['wrk'].split(' ')[1].split('/')[-1]}.\n",
        "## Aims\n",
        table(
            ["what", "measured", "aim", ""],
            [
                ["accepted and on disk, as a share of the same server that stores nothing",
                 f"{accept['share']:.2f}", "0.8", verdict(accept["share"] >= 0.8)],
                ["full lifecycles a second, sandbox and load on the same cores",
                 number(life["lifecycles_per_second"]), "3,000", verdict(life["lifecycles_per_second"] >= 3000)],
                [f"a claim with {number(claims[-1]['waiting'])} waiting, to one with {number(claims[0]['waiting'])}",
                 f"{flat:.2f}", "flat", verdict(flat <= 1.3)],
                [f"processor time a message with {number(channels[-1]['channels'])} channels, to one channel",
                 f"{spread:.2f}", "1.3", verdict(spread <= 1.3)],
                ["resident memory, idle", megabytes(start["resident_bytes_idle"]), "100 MB",
                 verdict(start["resident_bytes_idle"] < 100e6)],
                ["resident memory, a million waiting", megabytes(million), "100 MB", verdict(0 < million < 100e6)],
                ["from start to listening", milliseconds(start["start_ms"]), "100 ms", verdict(start["start_ms"] < 100)],
                ["lifecycles a second, to the recipe's", f"{ratio:.1f}", "10", verdict(ratio >= 10)],
            ]),
        "## Accepting\n",
        f"`POST /v1/messages`, one message each, 64 connections in a closed loop, three runs of each kind in turn; the "
        f"channel is paused, so that nothing leaves.\n",
        table(
            ["", "requests/s", "p50", "p99"],
            [
                ["on disk before the answer", number(accept["stored_per_second"]), milliseconds(accept["p50_ms"]),
                 milliseconds(accept["p99_ms"])],
                ["not stored", number(accept["unstored_per_second"]), "", ""],
            ]),
        f"The share is {accept['share']:.2f} ({accept['share_min']:.2f} to {accept['share_max']:.2f}).\n",
        "## Whole lifecycles\n",
        f"From the request over the sandbox (5 ms for each send) to the read receipt: one request, one send, one look-up "
        f"of the identity and four webhooks a message. {number(life['accepted'])} messages were accepted in "
        f"{life['seconds']:.0f} s in a closed loop of 64 connections ({number(life['accepted_per_second'])}/s), all were "
        f"read after {life['lifecycle_seconds']:.1f} s: **{number(life['lifecycles_per_second'])}/s**, "
        f"{number(life['processor_us_per_message'])} µs of the server's processor time a message, "
        f"{life['duplicates_at_provider']} sent twice, {life['errors']} errors.\n",
        "## Latency\n",
        "Open loop, each time counted from when the request was due; full load is the rate of the whole lifecycles "
        "above. *Sent* is from acceptance to the provider's answer, 5 ms of which are the sandbox's own.\n",
        table(
            ["load", "offered/s", "answer p50", "p99", "sent p50", "p99", "processor time a message"],
            [
                [
                    f"{100 * row['share']:.0f} %", number(row["offered_per_second"]), milliseconds(row["answer_p50_ms"]),
                    milliseconds(row["answer_p99_ms"]), milliseconds(row["to_sent_p50_ms"]),
                    milliseconds(row["to_sent_p99_ms"]), f"{number(row['processor_us_per_message'])} µs",
                ]
                for row in figures["latencies"]
            ]),
        "## Webhooks\n",
        f"64 connections in a closed loop, each webhook about a message that was sent: **{number(hooks['per_second'])}/s** "
        f"answered once on disk, p50 {milliseconds(hooks['p50_ms'])}, p99 {milliseconds(hooks['p99_ms'])}; "
        f"{number(hooks['applied_per_second'])}/s until all {number(hooks['posted'])} were applied.\n",
        "## Claims\n",
        f"{claims[0]['batch']} messages in one claim, of one channel in which so many wait; filled through the store's own "
        "acceptance, 1,000 in a transaction.\n",
        table(
            ["waiting", "p50", "p99", "filled at", "database"],
            [
                [number(row["waiting"]), milliseconds(row["claim_p50_us"] / 1e3), milliseconds(row["claim_p99_us"] / 1e3),
                 f"{number(row['accepted_per_second'])}/s", megabytes(row["database_bytes"])]
                for row in claims
            ]),
        "## Channels\n",
        f"{number(channels[0]['messages'])} messages spread over so many channels, without HTTP and with a provider that "
        "answers at once: acceptance, claim, send and settlement on SQLite.\n",
        table(
            ["channels", "messages/s", "processor time a message"],
            [
                [number(row["channels"]), number(row["messages_per_second"]), f"{row['processor_us_per_message']:.0f} µs"]
                for row in channels
            ]),
        "## Starting and memory\n",
        f"Listening {milliseconds(start['start_ms'])} after the start of the process (median of ten; "
        f"{milliseconds(start['first_start_ms'])} where the database is made first, "
        f"{milliseconds(waiting.get('start_ms_million_waiting', 0))} with a million waiting). Resident "
        f"{megabytes(start['resident_bytes_idle'])} when idle, {megabytes(million)} with a million waiting (the first counts "
        "shared libraries whole, the second by its proportional share).\n",
        "## Beside the usual recipe\n",
        "FastAPI, Celery on Redis, PostgreSQL and a token bucket in Redis, tuned: "
        "[Benchmarks/peers](../Benchmarks/peers/README.md) says how, and what it does not promise. The same load, sandbox "
        "and webhooks, one after the other.\n",
        table(
            ["", "Martlet", "recipe", "ratio"],
            [
                peer_row(peers, "lifecycles/s", "lifecycles_per_second", number),
                peer_row(peers, "accepted/s", "accepted_per_second", number),
                peer_row(peers, "processor time a message, µs", "processor_us_per_message", number),
                peer_row(peers, "memory under load", "resident_bytes", megabytes),
            ]),
    ]
    return "\n".join(parts)


def peer_row(peers, words, name, form):
    ours, theirs = peers["systems"]["martlet"][name], peers["systems"]["recipe"][name]
    return [words, form(ours), form(theirs), f"{ours / theirs:.2f}"]


def write_page(path, figures):
    replace_figures(path, figures_text(figures), begin=BEGIN)


def replace_figures(path, text, begin="<!-- figures -->"):
    """Puts the text between a page's two marks."""
    with open(path, encoding="utf-8") as file:
        page = file.read()
    head, rest = page.split(begin, 1)
    tail = rest.split(END, 1)[1]
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{head}{begin}\n\n{text}\n{END}{tail}")
