"""For `gunicorn -c deploy/gunicorn.conf.py`: the gateway's own configuration, which travels in its package."""

from familiar_gateway.gunicorn_conf import *  # noqa: F403
