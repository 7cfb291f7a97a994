"""Codes: the stable words of errors, in answers and in what became of an enrolment or a job, with when each is said.

A new one is added here; ``docs/api.md`` shows them all. Tests find a code that somebody uses and that is not here, one
that nobody uses any more, and a page that does not show it.
"""

from collections.abc import Mapping

CODES: Mapping[str, str] = {
    # What was sent cannot be used.
    "invalid_input": "what was sent cannot be used, for a reason without a word of its own",
    "invalid_request": "it is not HTTP as it should be, or nothing that a route could take",
    "invalid_json": "the body is not JSON, or not the JSON object that is expected",
    "invalid_field": "a field has a value that cannot be used",
    "missing_field": "a field is missing",
    "unknown_field": "a field or a query parameter is not known here",
    "invalid_query": "a query parameter has a value that cannot be used",
    "invalid_name": "a name is empty or of characters that nobody sees, too long, or has some that no name needs",
    "invalid_id": "an id in the address has not the form of one",
    "invalid_version": "a version in the address is not a whole number from 1",
    "invalid_idempotency_key": "the `Idempotency-Key` is empty, too long, or not printable ASCII",
    "invalid_image": "a picture is of a kind that is not read, damaged, cut short or too small",
    "invalid_video": "a video cannot be read, or none of its frames can",
    "invalid_archive": "a ZIP is damaged, encrypted, empty, or packed in a way that is not read",
    "too_large": "more bytes, pixels, parts or frames than the limits in `.env.example`",
    "length_required": "the body came without its length",
    "request_timeout": "the request did not come to its end in time",
    "unsupported_media_type": "the body is of a kind that the route does not read",
    "method_not_allowed": "the route has no such method; `Allow` names those it has",
    # Who may ask.
    "host_not_allowed": "the `Host` is none of the gateway's own; `ALLOWED_HOSTS` adds names to them",
    "cross_site": "a page of another site sent it, by its `Origin` or `Sec-Fetch-Site`",
    # What was asked for is not there.
    "not_found": "what was asked for does not exist",
    "route_not_found": "there is no such route",
    "person_not_found": "there is no such person (any more)",
    "enrollment_not_found": "there is no such enrolment (any more)",
    "sample_not_found": "the person has no such sample",
    "job_not_found": "there is no such job",
    "version_not_found": "there is no such version of the head",
    # The state of things forbids it.
    "conflict": "the state of the thing forbids it",
    "already_known": "the face is that of somebody enrolled, or about to be: finish with `if_known`",
    "not_alike": "pictures do not show the same person as the others, or as `person_id`: finish with `if_not_alike`",
    "name_taken": "somebody is enrolled under that name, or one that looks the same",
    "name_mismatch": "`name` is not the name of the person of `person_id`",
    "idempotency_key_reused": "the `Idempotency-Key` was used for another request: another name or other pictures",
    "enrollment_closed": "the enrolment takes no more frames",
    "capture_full": "the enrolment has as many frames as one takes",
    "too_few_samples": "too few frames could be kept; the details say how many and why",
    "version_live": "roll back: the version is in service already",
    "version_not_tried": "roll back: the version has not been in service",
    "version_rejected": "roll back: the version was worse than the one it should have replaced",
    "version_failed": "roll back: the version could not be served",
    "version_erased": "roll back: the version was made of a person or a sample that was deleted",
    "version_pruned": "roll back: the version is too long ago (`KEEP_WEIGHTS`)",
    "backbone_retired": "roll back: the version was made for a backbone that is no longer served",
    # A part is away; the same request may succeed later.
    "unavailable": "a part is away, or was ended while it worked on what was sent",
    "busy": "too much is going on at once",
    "serving_unavailable": "the models do not answer",
    "serving_timeout": "the models did not answer in time",
    "model_not_ready": "no model is ready to answer yet",
    "models_changing": "the backbone was replaced at this moment",
    "queue_unavailable": "Redis does not answer",
    "database_unavailable": "the database does not answer",
    "database_damaged": "the database is damaged; `/readyz` says which file, and what to do",
    "disk_full": "there is no room to write; what needs no change goes on",
    # A defect of ours.
    "internal": "a defect of ours; the log has it under the request id",
    "serving_rejected": "TensorFlow Serving refused what we asked; seen as `internal` by clients",
    "misconfigured": "a setting cannot be used, or the tables are of another release",
    # Why a training, and with it an enrolment, failed.
    "training_failed": "a head could not be made",
    "no_backbone": "no backbone has been exported",
    "backbone_unusable": "the backbone cannot be built from what its settings name",
    "no_samples": "none of the pictures could be used any more",
    "head_worse": "with these pictures people already enrolled would be recognised less often than before",
    "too_alike": "the face cannot be told from that of somebody else enrolled; `person` says whose",
    # What an enrolment that is live is warned of.
    "often_missed": "live, but more than half of the pictures held back were not recognised",
    "head_erased": "the version to bring back was made of a person or a sample that was deleted",
    "backbone_changed": "the version to bring back was made for another backbone than the one in service",
    "export_failed": "a head could not be written",
    "version_exists": "a version of that number is there already",
    "gate_failed": "a head that was written did not answer as it should",
    "load_failed": "TensorFlow Serving did not load a head",
    "interrupted": "the trainer was told to stop; another one goes on",
    "lease_lost": "another trainer has taken the training over",
}
