"""The settings of all processes, from the environment."""

import os

DATABASE_URL = os.environ["RECIPE_DATABASE_URL"]
REDIS_URL = os.environ["RECIPE_REDIS_URL"]

API_KEY = os.environ["RECIPE_API_KEY"]
WEBHOOK_SECRET = os.environ["RECIPE_WEBHOOK_SECRET"]

# The one channel: WasenderApi's base URL, the session's key, and what it may send.
PROVIDER_URL = os.environ["RECIPE_PROVIDER_URL"]
PROVIDER_KEY = os.environ["RECIPE_PROVIDER_KEY"]
RATE_PER_SECOND = int(os.environ["RECIPE_RATE_PER_SECOND"])

# How many tasks a worker process has under way at a time.
WORKER_CONCURRENCY = int(os.environ["RECIPE_WORKER_CONCURRENCY"])

# Database connections of each process.
API_CONNECTIONS = 16
WORKER_CONNECTIONS = 16
