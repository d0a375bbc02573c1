"""What guides recommend for notifications: FastAPI, PostgreSQL, Celery on Redis, a token bucket in Redis."""
