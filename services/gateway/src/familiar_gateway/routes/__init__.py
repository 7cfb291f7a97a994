"""The routes, one blueprint per noun."""

from flask import Flask, current_app

from familiar_gateway.services import Services

KEY = "familiar"


def services() -> Services:
    """Return the collaborators of the application that serves this request."""
    found: Services = current_app.extensions[KEY]
    return found


def install(app: Flask) -> None:
    """Register all routes."""
    from familiar_gateway.routes import docs, enrollments, health, jobs, models, people, recognition

    for module in (recognition, enrollments, people, models, jobs, health, docs):
        app.register_blueprint(module.blueprint)
