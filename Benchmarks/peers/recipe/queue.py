"""The Celery application, as the API needs it: it knows the tasks by name only, and loads nothing of the worker."""

from celery import Celery

from . import settings

SEND = "recipe.send"
IDENTIFY = "recipe.identify"

app = Celery("recipe", broker=settings.REDIS_URL)
app.conf.update(
    # At least once: a task is acknowledged when it is done, and one whose worker died is given out again.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    # Each task under way may be acknowledging; with the default of 10 connections the worker breaks under load.
    broker_transport_options={"visibility_timeout": 3600, "max_connections": 2 * settings.WORKER_CONCURRENCY + 16},
    # Nobody reads results or events; statuses are in the database.
    task_ignore_result=True,
    worker_send_task_events=False,
    task_send_sent_event=False,
    worker_disable_rate_limits=True,
    # Enough at hand that no slot waits for the broker.
    worker_prefetch_multiplier=4,
    broker_pool_limit=8,
    broker_connection_retry_on_startup=True,
    task_default_queue="send",
    # Of its own, so that it does not stand behind thousands of sends.
    task_routes={IDENTIFY: {"queue": "identify"}},
    beat_schedule={"identify": {"task": IDENTIFY, "schedule": 0.25, "options": {"expires": 1.0}}},
)
