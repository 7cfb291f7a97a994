"""Models: which versions there are and how good each is, which answers, and going back to an earlier head."""

from typing import Protocol

from flask import Blueprint, request, url_for
from sqlalchemy.orm import Session

from familiar.errors import Conflict, ServingUnavailable
from familiar.records import (
    Action,
    Database,
    HeadStatus,
    HeadVersion,
    Training,
    audit,
    corrections,
    erasures,
    locked_cases,
    people,
    trainings,
    versions,
)
from familiar.scope import Scope
from familiar.servable import BACKBONE, HEAD
from familiar.serving import VersionState
from familiar_gateway.operating import representations
from familiar_gateway.operating.inbox import Inbox
from familiar_gateway.operating.ports import Serving
from familiar_gateway.web import Json, asks_for, caller, payload, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    database: Database
    inbox: Inbox
    serving: Serving


blueprint = Blueprint("models", __name__, url_prefix="/v1/models")

_REFUSAL = {
    HeadStatus.LIVE: ("version_live", "is in service already"),
    HeadStatus.PUBLISHED: ("version_not_tried", "has not been in service yet"),
    HeadStatus.REJECTED: ("version_rejected", "was worse than the one it should have replaced"),
    HeadStatus.FAILED: ("version_failed", "could not be served"),
    HeadStatus.ABANDONED: ("version_not_tried", "was given up before it served"),
    HeadStatus.ERASED: ("version_erased", "was made of a person or a sample that was deleted"),
    HeadStatus.PRUNED: ("version_pruned", "is too long ago: its weights were thrown away"),
}


@blueprint.get("")
@asks_for(Scope.OPERATE)
def list_all() -> Json:
    """List the versions of head and backbone, with what Serving says of each."""
    query = payload.read_query(request, {"limit": (100, 1, 1000)})
    heads, backbones, serving = _states(HEAD), _states(BACKBONE), True
    if heads is None or backbones is None:
        heads, backbones, serving = {}, {}, False
    with services(_Needs).database.read() as session:
        live = versions.live_head(session)
        return {
            "live": None if live is None else live.version,
            "serving": serving,
            "heads": [representations.head(each, heads) for each in versions.heads(session, query["limit"])],
            "backbones": [representations.backbone(each, backbones) for each in versions.backbones(session)],
        }


@blueprint.get("/<version>")
@asks_for(Scope.OPERATE)
def show(version: str) -> Json:
    """Show a head version with its report on each person; whoever was deleted since is left out."""
    payload.read_query(request, {})
    number = payload.parse_version(version)
    states = _states(HEAD) or {}
    with services(_Needs).database.read() as session:
        head = versions.head(session, number)
        return representations.head_card(head, states, people.meant(session, head.person_ids))


@blueprint.post("/<version>/rollback")
@asks_for(Scope.OPERATE)
def roll_back(version: str) -> tuple[Json, int, dict[str, str]]:
    """Ask for the weights of an earlier head to be put into service again, as a new version."""
    its = services(_Needs)
    number = payload.parse_version(version)
    payload.read_optional_object(request, {})
    backbones = served_backbones(its.serving)
    with its.database.write() as session:
        shown = representations.job(ask_back(session, number, backbones))
        audit.note(session, caller(), Action.HEAD_ROLLED_BACK, str(number))
    its.inbox.put(shown["id"])
    return {"job": shown}, 202, {"Location": url_for("jobs.show", job_id=shown["id"])}


def served_backbones(serving: Serving) -> set[int]:
    """Return the backbone versions that answer.

    Raises:
        ServingUnavailable: Serving is away.
    """
    return {each.version for each in serving.versions(BACKBONE) if each.state is VersionState.AVAILABLE}


def ask_back(session: Session, version: int, backbones: set[int]) -> Training:
    """Return a training that puts a head version into service again, where these ``backbones`` answer.

    Raises:
        NotFound: there is no such version.
        Conflict: it cannot come back.
    """
    _require_usable(session, versions.head(session, version), backbones)
    return trainings.ask_rollback(session, version)


def _require_usable(session: Session, head: HeadVersion, backbones: set[int]) -> None:
    if head.version in erasures.tainted(session):
        code, why = _REFUSAL[HeadStatus.ERASED]
    elif head.status in _REFUSAL:
        code, why = _REFUSAL[HeadStatus(head.status)]
    elif corrections.contradict(session, head):
        code, why = "version_corrected", "would name people as others than a person has said since"
    elif failed := locked_cases.failed_by(session, head):
        raise Conflict(
            f"head version {head.version} cannot come back: it would name faces as who they are not, as was said since",
            code="version_fails_locked_case", version=head.version, feedback=failed,
        )  # fmt: skip
    elif head.backbone_version not in backbones:
        code, why = "backbone_retired", f"was trained for backbone version {head.backbone_version}, no longer served"
    else:
        return
    raise Conflict(f"head version {head.version} cannot come back: it {why}", code=code, version=head.version)


def _states(model: str) -> dict[int, str] | None:
    """Return the state of each version that Serving knows of; None if Serving is away."""
    try:
        return {each.version: each.state.value for each in services(_Needs).serving.versions(model)}
    except ServingUnavailable:
        return None
