"""The steps from bytes to release: screen, mark, read back, clear."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from governance.domain import Asset, Mark
from governance.evidence.story import Story
from governance.identity import lineage
from governance.kernel import clock, ids
from governance.kernel.errors import GovernanceError, IntegrityError, NotFound, Unavailable
from governance.kernel.media import SUFFIX
from governance.ledger import Entry
from governance.ledger.publisher import latest
from governance.lifecycle.context import Context
from governance.lifecycle.entries import about, duties_of
from governance.lifecycle.inputs import takes_source
from governance.lifecycle.outcome import Outcome
from governance.lifecycle.questions import model_facts, principal_of, request_of
from governance.lifecycle.standing import CONSENT, consent_fault, require_consent, standing
from governance.marking import registry
from governance.marking.bodies import mark_from_json, marked_body, verified_body
from governance.marking.duties import unmet, why
from governance.marking.fingerprint.fingerprint import Fingerprint
from governance.marking.probe import inspect
from governance.marking.read import Known, read
from governance.marking.write import MarkContext, mark
from governance.policy import ModelFacts, as_body, decide, decision_input
from governance.review import reviews, separation
from governance.routing import Model
from governance.routing.spool import Spool
from governance.screening.media import screen as screen_media
from governance.screening.report import as_body as screening_body
from governance.screening.report import subjects_not_checked
from governance.screening.technical import Ordered


def screen(context: Context, story: Story) -> Outcome:
    """`asset.screened`, and what policy says now that the output has been seen."""
    # The file is on record by now. Before that commit, what the vendor sent must not be lost.
    Spool.of(context.settings.data_dir).remove(story.id)
    asset = stored(context, story, story.original)
    screening = screen_media(asset, _ordered(context, story))
    seen = about(
        story,
        "asset.screened",
        screening_body(asset, screening),
        subjects=(("original", asset.digest),),
    )
    request, day = request_of(story), clock.now().date()
    stands = standing(context, request, day)
    decision = decide(
        context.policies.policy,
        decision_input(
            request,
            principal_of(story),
            stage="output",
            date=day,
            action="asset.import" if story.is_import else "generation.create",
            model=_model_facts(context, story),
            output_findings=screening.findings,
            not_checked=subjects_not_checked(screening),
            consent=stands.consent,
            waivers=stands.waivers,
        ),
    )
    decided = about(story, "policy.decided", as_body(decision))
    entries = [seen, decided]
    if decision.effect == "deny":
        denying = [r for r in decision.rules if (r.effect, r.mode) == ("deny", "enforce")]
        reasons = [rule.because for rule in denying]
        entries.append(_withheld(story, "screening", "policy_denied", reasons))
    return Outcome(tuple(entries))


def write_marks(context: Context, story: Story) -> Outcome:
    """`asset.marked`: every mark that is due, written into a new file."""
    source = stored(context, story, story.original)
    with context.media.staging(SUFFIX[source.media_type]) as path:
        try:
            ours = mark_context(context, story)
            marked = mark(source, path, duties_of(story), ours)
        except Unavailable:
            raise
        except GovernanceError as error:
            return Outcome((_withheld(story, "marking", error.code, [error.message]),))
        target = inspect(path)
        context.media.keep(path, story.id)
    body = marked_body(source.digest, target, marked.marks)
    subjects = (("delivered", target.digest), ("original", source.digest))

    def also(connection: Connection) -> None:
        written = {m.kind: dict(m.facts) for m in marked.marks if m.state == "present"}
        registry.register(
            connection,
            generation=story.id,
            organisation=story.request["organisation"],
            digest=target.digest,
            media_type=target.media_type,
            seconds=f"{target.seconds:.3f}",
            watermark_id=ours.watermark_id if "watermark" in written else None,
            manifest=written["c2pa"].get("manifest"),
            fingerprint=marked.fingerprint if len(marked.fingerprint) else None,
        )

    return Outcome((about(story, "asset.marked", body, subjects=subjects),), also=also)


def verify_marks(context: Context, story: Story) -> Outcome:
    """`marks.verified`: what independent readers find in the stored bytes."""
    asset = stored(context, story, story.delivered_file)
    found = read_marks(context, story, asset)
    duties = duties_of(story)
    missing = unmet(duties, found)
    body = verified_body(asset.digest, found, missing)
    subjects = (("delivered", asset.digest),)
    entries = [about(story, "marks.verified", body, subjects=subjects)]
    if missing:
        entries.append(_withheld(story, "verification", "duty_unmet", why(duties, found)))
    return Outcome(tuple(entries))


def read_marks(context: Context, story: Story, asset: Asset) -> tuple[Mark, ...]:
    """What readers find in a file of the marks that were written into the delivered one."""
    written = [mark_from_json(body) for body in story.written_marks]
    is_copy = asset.digest != (story.delivered_file or {})["digest"]
    known = Known(
        keys=context.watermark_keys,
        organisation=story.request["organisation"],
        fingerprint=_fingerprint(context, story),
        master=None if is_copy else _master(context, story),
        is_copy=is_copy,
    )
    return read(asset.path, asset.media_type, written, context.authority.trust, known)


def clear(context: Context, story: Story) -> Outcome:
    """`review.opened` where people must look, `asset.released` where nobody has to."""
    with context.database.read() as session:
        fault = consent_fault(context, session.connection(), story)
    if fault is not None:
        return Outcome((_withheld(story, "verification", "duty_unmet", [f"{CONSENT}: {fault}"]),))
    duty = story.enforced.get("review.people")
    asked = any(decision["effect"] == "review" for decision in story.decisions)
    if duty is None and not asked:
        return Outcome((released(story, None),), also=lambda c: require_consent(context, c, story))
    return _open_review(context, story, duty or {"count": 1, "role": "reviewer"})


def released(story: Story, review_id: str | None) -> Entry:
    """The record of a release."""
    digest = (story.delivered_file or {})["digest"]
    present = sorted({m["kind"] for m in story.marks if m["state"] == "present"})
    body = {"digest": digest, "marks": present, "review": review_id}
    return about(story, "asset.released", body, subjects=(("delivered", digest),))


def expire(context: Context, story: Story) -> Outcome:
    """Nobody decided in time."""
    body = {"outcome": "expired", "code": "nobody_decided", "by": None}
    review_id = (story.review or {}).get("review")

    def also(connection: Connection) -> None:
        if review_id:
            reviews.close(connection, review_id, clock.now())

    return Outcome((about(story, "generation.ended", body),), also=also)


def give_up(story: Story) -> Entry:
    """The record of a file whose step keeps failing: it is not released."""
    stage = {"fetched": "screening", "screened": "marking"}.get(story.state, "verification")
    return _withheld(story, stage, "internal_error", ["The step failed repeatedly."])


def stored(context: Context, story: Story, body: dict[str, Any] | None) -> Asset:
    """A file of the store, looked at afresh.

    Raises IntegrityError (`media_changed`) when its bytes are not those of the record.
    """
    digest = (body or {})["digest"]
    asset = inspect(context.media.path(story.id, digest))
    if asset.digest != digest:
        raise IntegrityError("media_changed", f"The stored file {digest} has other bytes now.")
    return asset


def _open_review(context: Context, story: Story, duty: dict[str, Any]) -> Outcome:
    now = clock.now()
    expires_at = now + timedelta(seconds=context.settings.review_expiry)
    rules = sorted(
        {
            rule["id"]
            for decision in story.decisions
            for rule in decision["rules"]
            if rule["mode"] == "enforce" and rule["effect"] == "review"
        }
        | {r for d in story.duties if d["kind"] == "review.people" for r in d["rules"]}
    )
    body = {
        "review": ids.new_id("rev"),
        "digest": (story.delivered_file or {})["digest"],
        "count": duty["count"],
        "role": duty["role"],
        "rules": rules,
        "expires_at": clock.rfc3339(expires_at),
    }

    def also(connection: Connection) -> None:
        chain = story.request["principal"]["chain"]
        # Where a spend was approved they were noted then, and whoever approved it may answer for
        # the agent since.
        named = chain if story.approval else lineage.involved(connection, chain)
        separation.involve(connection, story.id, named)
        reviews.open_review(
            connection,
            review=body["review"],
            generation=story.id,
            organisation=story.request["organisation"],
            project=story.request["project"],
            digest=body["digest"],
            count=body["count"],
            role=body["role"],
            rules=rules,
            opened_at=now,
            expires_at=expires_at,
        )

    return Outcome((about(story, "review.opened", body),), also=also)


def _withheld(story: Story, stage: str, code: str, reasons: list[str]) -> Entry:
    body = {"stage": stage, "code": code, "reasons": [reason[:300] for reason in reasons]}
    return about(story, "asset.withheld", body)


def _ordered(context: Context, story: Story) -> Ordered | None:
    """What the model was to make; nothing was promised of an import.

    The length of speech follows its text, that of another version its source.
    """
    if story.is_import:
        return None
    request, model = request_of(story), _model(context, story)
    follows = takes_source(request.task) or (model is not None and model.voices)
    return Ordered(
        seconds=0 if follows else request.seconds,
        width=request.width,
        height=request.height,
        audio=request.audio or (model is not None and model.audio == "always"),
    )


def _model(context: Context, story: Story) -> Model | None:
    """The chosen model; it may have been retired since, which changes nothing for this file."""
    return context.catalogue.find((story.route or {}).get("model") or "")


def _model_facts(context: Context, story: Story) -> ModelFacts:
    model = _model(context, story)
    return model_facts(model) if model else ModelFacts(id=(story.route or {}).get("model"))


def mark_context(context: Context, story: Story) -> MarkContext:
    """What a writer of marks needs to know of a generation; its watermark id is a new one."""
    source_type = (story.route or story.request)["source_type"]
    return MarkContext(
        record_id=story.id,
        record_uri=f"{context.settings.base_url}/v1/governance/records?generation={story.id}",
        source_type=source_type,
        authority=context.authority,
        edited=story.is_import,
        organisation=story.request["organisation"],
        watermark_id=int.from_bytes(ids.random_bytes(8), "big") or 1,
        watermark_keys=context.watermark_keys,
        checkpoint=_checkpoint(context),
        aigc_producer=context.settings.aigc_producer or story.request["organisation"],
        ingredients=_ingredients(context, story),
    )


def _checkpoint(context: Context) -> str:
    """The log's state before the file is signed: what is in the manifest is younger."""
    with context.database.read() as session:
        published = latest(session)
    return published[1].decode() if published else ""


def _fingerprint(context: Context, story: Story) -> Fingerprint | None:
    """Of the delivered file, as taken when it was marked; None where it was erased."""
    with context.database.read() as session:
        entry = registry.by_digest(session, (story.delivered_file or {})["digest"])
    stored_as = entry.fingerprint if entry else None
    return Fingerprint.from_bytes(stored_as) if stored_as else None


def _master(context: Context, story: Story) -> Path | None:
    """The file before it was marked, with which labels are compared, if it is still there."""
    try:
        return context.media.path(story.id, (story.original or {})["digest"])
    except NotFound:
        return None


def _ingredients(context: Context, story: Story) -> tuple[Asset, ...]:
    """The files of ours that an import was made from, with their manifests."""
    return tuple(
        inspect(context.media.path(ingredient["generation"], ingredient["digest"]))
        for ingredient in story.request.get("ingredients", ())
    )
