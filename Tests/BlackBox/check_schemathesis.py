"""Schemathesis reads the API's description and makes up requests by it, right and wrong ones: every answer must be one
that the description has."""

import pathlib
import subprocess
import sys

from harness import Failure, expect
from registry import check

# What is asked of every answer. Left out is that whatever fits a schema is accepted: which content goes with which type,
# which channel exists or which credentials a provider wants is said in words and not in schemas.
CHECKS = [
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "missing_required_header", "unsupported_method",
    "allow_header_conformance", "use_after_free", "ensure_resource_availability", "ignored_auth",
]
# A gateway may answer 502 where it asked the provider at once. A batch answers 202 and speaks of each entry inside.
SETTINGS = """
[auth.openapi]
tenantKey = {{ bearer = "{tenant}" }}
adminToken = {{ bearer = "{administrator}" }}
metricsToken = {{ bearer = "{scraper}" }}

[checks]
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 502]

[[operations]]
include-operation-id = "sendBatch"
checks.negative_data_rejection.expected-statuses = [202, 400, 401, 413, 415, 422]
"""


def run(world, node, tenant, administrator, scraper, *options):
    path = pathlib.Path(world.folder, "schemathesis.toml")
    path.write_text(SETTINGS.format(tenant=tenant, administrator=administrator, scraper=scraper))
    try:
        import schemathesis  # noqa: F401
    except ImportError:
        raise Failure("needs the packages of Tests/BlackBox/requirements.txt")
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "--config-file", str(path), "run", f"{node.url}/openapi.json",
         "--checks", ",".join(CHECKS), "--continue-on-failure", "--no-color", "--seed", "20261123",
         # The stream of events never ends.
         "--exclude-operation-id", "streamEvents", *options],
        cwd=world.folder, capture_output=True, text=True, timeout=200, stdin=subprocess.DEVNULL)
    expect(done.returncode == 0, f"schemathesis ends with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    expect(node.process.poll() is None, "the server is still running")


@check("every answer to made-up requests is one that the description has", limit=300)
def made_up(world):
    sandbox = world.sandbox("--limit", "1000/1s")
    node = world.node(metrics__token="the-scraper")
    tenant = node.tenant()
    tenant.channel(sandbox)
    for index in range(5):
        tenant.send("+99912345670000", f"dead {index}")
    tenant.wait_until_final(5, within=30)
    run(world, node, tenant.key, node.admin_token, "the-scraper", "--max-time", "50")
    # Once more as the operator, who may do less with messages and more with channels.
    run(world, node, node.admin_token, node.admin_token, "the-scraper", "--max-time", "25", "--include-tag", "channels",
        "--include-tag", "tenants")
