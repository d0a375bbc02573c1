"""Accepted by the provider, answer lost."""

from harness import expect, expect_equal, number, wait_for
from registry import check


@check("a lost answer is looked up and settled without a second send")
def looked_up(world):
    sandbox = world.sandbox()
    node = world.node(unknown__wait=8, retry__delays="0.5,0.5")
    tenant = node.tenant()
    tenant.channel(sandbox, token=True)
    sandbox.fault("accept_then_reset", count=1)
    accepted = tenant.send(number(1), "did it arrive?")
    message = tenant.wait(accepted["id"], "delivered", "read", within=30)
    expect_equal(len(sandbox.ledger()), 1, "sends the provider saw")
    expect_equal(message["duplicate_risk"], False, "the risk of a duplicate")
    outcomes = [entry.get("outcome") for entry in tenant.timeline(accepted["id"]) if entry["type"] == "attempt"]
    expect_equal(outcomes, ["unknown"], "the attempts' outcomes")


@check("an outcome nobody can tell is retried where the message says so, and marked")
def retried(world):
    sandbox = world.sandbox()
    node = world.node(unknown__wait=1, retry__delays="0.5,0.5")
    tenant = node.tenant()
    # No token to look it up with, and no webhook that tells.
    tenant.channel(sandbox, webhooks=False)
    sandbox.fault("accept_then_reset", count=1)
    accepted = tenant.send(number(1), "at least once", on_unknown="retry")
    wait_for("the condition of an unknown outcome", lambda: tenant.message(accepted["id"])["condition"] == "unknown")
    message = tenant.wait(accepted["id"], "sent", "delivered", "read", within=30)
    expect_equal((message["duplicate_risk"], message["attempts"]), (True, 2), "risk and attempts")
    expect_equal(len(sandbox.ledger()), 2, "sends the provider saw")


@check("an outcome nobody can tell is held where the message says so")
def held(world):
    sandbox = world.sandbox()
    node = world.node(unknown__wait=1, retry__delays="0.5,0.5")
    tenant = node.tenant()
    tenant.channel(sandbox, webhooks=False)
    sandbox.fault("accept_then_reset", count=1)
    accepted = tenant.send(number(1), "at most once", on_unknown="hold")
    message = tenant.wait(accepted["id"], "failed", within=30)
    expect(message["error_reason"].startswith("outcome_unknown"), f"the reason is {message['error_reason']}")
    expect_equal((message["dead_lettered"], message["duplicate_risk"]), (True, False), "dead-lettered and risk")
    expect_equal(len(sandbox.ledger()), 1, "sends the provider saw")


@check("a provider that does not answer in time is an unknown outcome, too")
def timed_out(world):
    sandbox = world.sandbox()
    node = world.node(provider__timeout=1, unknown__wait=8, retry__delays="0.5,0.5")
    tenant = node.tenant()
    tenant.channel(sandbox, token=True)
    sandbox.fault("accept_then_timeout", count=1)
    accepted = tenant.send(number(1), "slow answer")
    message = tenant.wait(accepted["id"], "delivered", "read", within=30)
    expect_equal((len(sandbox.ledger()), message["duplicate_risk"]), (1, False), "sends and risk")
