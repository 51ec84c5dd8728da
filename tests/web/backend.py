"""A service in memory behind the pages: three files to review, three people."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from governance.domain import (
    Asset,
    Declaration,
    Finding,
    Mark,
    MatchedRule,
    Media,
    Principal,
)
from governance.kernel import clock, ids
from governance.kernel.errors import (
    Conflict,
    Denied,
    GovernanceError,
    NotFound,
    Throttled,
    Unauthenticated,
)
from governance.kernel.media import sha256_file
from governance.kernel.settings import packaged
from governance.review import reasons
from governance.review.queue import Standing
from governance.web.backend import (
    Checkpoint,
    Pack,
    RequestFacts,
    ReviewPage,
    Row,
    Status,
    Verdict,
    Vote,
)
from tests.web import samples
from tests.web.account import CODE, MemoryAccount

PASSWORD = "four quiet herons wait"
ONE_TIME = "one time only"
VIDEO, IMAGE, AUDIO = (f"rev_{number:032x}" for number in (1, 2, 3))


@dataclass
class Case:
    """One file under review and what has happened to it."""

    page: ReviewPage
    claimed_by: str = ""
    claimed_until: datetime | None = None
    voters: list[str] = field(default_factory=list)
    is_closed: bool = False


class MemoryBackend:
    """A `WebBackend` over the files of `samples.make_all`.

    `mira` answers for the requests; `ana` and `ben` review; `new` has a one-time password.
    """

    def __init__(self, folder: Path) -> None:
        self.base_url = ""
        self._account = MemoryAccount(self)
        self.reasons = reasons.load(packaged("policies"))
        self.folder = folder
        self.reset()

    def reset(self) -> None:
        """Everything as it was at the beginning."""
        folder = self.folder
        self.people = {
            "ana": ("Ana Ruiz", PASSWORD),
            "ben": ("Ben Achterberg", PASSWORD),
            "mira": ("Mira Novák", PASSWORD),
            "new": ("Nora New", ONE_TIME),
        }
        self.sessions: dict[str, str] = {}
        self._account.reset()
        self.verdicts: list[Verdict] = []
        self.engine = True
        self.cases = {
            VIDEO: Case(self._page(VIDEO, "video", folder / "clip.mp4", 2)),
            IMAGE: Case(self._page(IMAGE, "image", folder / "still.png", 1)),
            AUDIO: Case(self._page(AUDIO, "audio", folder / "voice.wav", 1)),
        }

    @property
    def account(self) -> MemoryAccount:
        return self._account

    def status(self) -> Status:
        at = clock.now() - timedelta(seconds=40)
        packs = (
            Pack("eu-ai-act-50", "EU AI Act, Article 50", "2026.11.22", "European Union", 14),
            Pack("cn-labelling", "Measures for labelling AI content", "2026.11.20", "China", 6),
            Pack("house", "House rules", "2026.11.22", "This organisation", 3),
        )
        return Status(
            origin="governance.local/log",
            records=61_412,
            checkpoint=Checkpoint(61_408, "7c1e90ab" + "5d" * 26 + "e4d2", at),
            waiting=len(self._open()),
            engine=self.engine,
            policy="3f9a" * 16,
            packs=packs,
        )

    def sign_in(self, username: str, password: str, replaces: str | None, code: str = "") -> str:
        if username == "hasty":
            raise Throttled("login_throttled", "Wait 8 seconds.", retry_after=8)
        name, expected = self.people.get(username, ("", ""))
        if not name or password != expected:
            raise Unauthenticated("login_failed", "User name or password is wrong.")
        if password == ONE_TIME:
            raise Denied("password_change_required", "Choose a password of your own first.")
        if username in self._account.apps and code != CODE:
            raise Unauthenticated("code_required", "Enter the code of your app as well.")
        self.sessions.pop(replaces or "", None)
        token = ids.secret_text()
        self.sessions[token] = username
        return token

    def sign_out(self, token: str) -> None:
        self.sessions.pop(token, None)

    def person(self, token: str) -> Principal | None:
        username = self.sessions.get(token)
        return self.principal(username) if username else None

    def principal(self, username: str) -> Principal:
        id_ = f"usr_{username:0>32}"
        return Principal("person", id_, "acme", id_, "C", (id_,), name=self.people[username][0])

    def change_password(self, username: str, old: str, new: str, code: str = "") -> str:
        name, expected = self.people.get(username, ("", ""))
        if not name or old != expected:
            raise Unauthenticated("login_failed", "User name or password is wrong.")
        self.people[username] = (name, new)
        return self.sign_in(username, new, None, code)

    def queue(self, person: Principal) -> list[Row]:
        return [self._row(person, case) for case in self._open()]

    def review(self, person: Principal, review: str) -> ReviewPage:
        case = self._case(review)
        mine = self._account.passkeys.get(person.id.removeprefix("usr_").lstrip("0"), [])
        return replace(case.page, row=self._row(person, case), can_sign=bool(mine))

    def media(self, person: Principal, review: str) -> tuple[Path, str]:
        asset = self._case(review).page.asset
        return asset.path, asset.media_type

    def claim(self, person: Principal, review: str) -> None:
        case = self._case(review)
        standing = self._standing(person, case)
        if standing not in ("free", "yours"):
            raise _refusal(standing)
        case.claimed_by, case.claimed_until = person.id, clock.now() + timedelta(minutes=30)

    def release(self, person: Principal, review: str) -> None:
        case = self._case(review)
        if case.claimed_by == person.id:
            case.claimed_by, case.claimed_until = "", None

    def statement_options(self, person: Principal, review: str, verdict: Verdict) -> str:
        self.reasons.require("review", verdict.decision, verdict.reason, verdict.comment)
        return self._account.sign_in_options()

    def decide(self, person: Principal, review: str, verdict: Verdict) -> None:
        case = self._case(review)
        reason = self.reasons.require("review", verdict.decision, verdict.reason, verdict.comment)
        if case.claimed_by != person.id:
            raise Conflict("claim_missing", "Claim this review before you decide on it.")
        if verdict.digest != case.page.asset.digest:
            raise Conflict("media_changed", "This is not the file under review; load it again.")
        vote = Vote(person.name, verdict.decision, reason.title, clock.now())
        case.page = replace(case.page, votes=(*case.page.votes, vote))
        case.voters.append(person.id)
        case.claimed_by, case.claimed_until = "", None
        approvals = sum(vote.decision == "approve" for vote in case.page.votes)
        case.is_closed = verdict.decision != "approve" or approvals >= case.page.row.required
        self.verdicts.append(verdict)

    def _open(self) -> list[Case]:
        waiting = [case for case in self.cases.values() if not case.is_closed]
        return sorted(waiting, key=lambda case: case.page.row.opened_at)

    def _case(self, review: str) -> Case:
        case = self.cases.get(review)
        if case is None:
            raise NotFound("review_unknown", "There is no such review.")
        return case

    def _row(self, person: Principal, case: Case) -> Row:
        return replace(
            case.page.row,
            approvals=sum(vote.decision == "approve" for vote in case.page.votes),
            standing=self._standing(person, case),
            claimed_until=case.claimed_until,
        )

    def _standing(self, person: Principal, case: Case) -> Standing:
        if case.is_closed:
            return "closed"
        if person.name == case.page.request.accountable:
            return "involved"
        if person.id in case.voters:
            return "decided"
        if not case.claimed_by:
            return "free"
        return "yours" if case.claimed_by == person.id else "claimed"

    def _page(self, review: str, media: Media, path: Path, required: int) -> ReviewPage:
        asset = _asset(media, path)
        rules = _RULES if media == "video" else _RULES[:1]
        row = Row(
            review=review,
            media=media,
            seconds=asset.seconds,
            width=asset.width,
            height=asset.height,
            project="spring-campaign",
            requester="storyboard-agent",
            because=tuple(rule.because for rule in rules),
            opened_at=clock.now() - _WAITED[media],
            expires_at=clock.now() + timedelta(days=6, hours=20),
            approvals=0,
            required=required,
            standing="free",
            claimed_until=None,
        )
        return ReviewPage(
            row=row,
            generation=f"gen_{required:032x}",
            asset=asset,
            request=_REQUEST,
            rules=rules,
            marks=_MARKS,
            findings=_FINDINGS if media == "video" else (),
            votes=(),
            reasons=self.reasons.at("review"),
        )


_WAITED: dict[Media, timedelta] = {
    "video": timedelta(hours=3, minutes=14),
    "image": timedelta(hours=1, minutes=2),
    "audio": timedelta(minutes=20),
}


def _asset(media: Media, path: Path) -> Asset:
    types = {"video": "video/mp4", "image": "image/png", "audio": "audio/wav"}
    is_picture = media != "audio"
    return Asset(
        digest=sha256_file(path),
        media_type=types[media],
        size=path.stat().st_size,
        path=path,
        width=samples.WIDTH if is_picture else 0,
        height=samples.HEIGHT if is_picture else 0,
        seconds=0 if media == "image" else samples.SECONDS,
        has_audio=media != "image",
    )


def _refusal(standing: Standing) -> GovernanceError:
    return {
        "involved": Denied("separation_of_duties", "Somebody else has to decide on it."),
        "claimed": Conflict("review_claimed", "Somebody else is at work on this until 14:30."),
        "decided": Conflict("already_decided", "You have decided on this."),
    }.get(standing, Conflict("review_closed", "This review is closed."))


_RULES = (
    MatchedRule(
        id="eu.50.4.deep-fake",
        pack="eu-ai-act-50",
        cites="Regulation (EU) 2024/1689, Article 50(4)",
        level="law",
        binds=("deployer",),
        mode="enforce",
        effect="review",
        because="It is declared a deep fake, so people decide whether the disclosure is clear.",
    ),
    MatchedRule(
        id="house.two-people-for-real-persons",
        pack="house",
        cites="House rule 4",
        level="house",
        binds=("deployer",),
        mode="enforce",
        effect="review",
        because="A real person may appear, so two people have to agree.",
    ),
)
_MARKS = (
    Mark(
        "c2pa",
        "present",
        "c2pa-python",
        "0.36.0",
        "Signed by this service, source type trainedAlgorithmicMedia, signature valid",
    ),
    Mark("label", "present", "label-reader", "1", "“AI GENERATED” at the top right in all frames"),
    Mark("watermark", "present", "watermark-reader", "1", "Payload agrees, score 0.97"),
    Mark("aigc", "not_checked", "aigc-reader", "1", "No territory asks for this field"),
)
_FINDINGS = (
    Finding(
        "face_present",
        "warn",
        "face-detector",
        "2.1",
        "A face takes up a tenth of the picture.",
        at="1.5",
    ),
    Finding("loudness_low", "info", "loudness", "1.0", "The sound is quiet, -31 LUFS."),
)
_REQUEST = RequestFacts(
    requester="storyboard-agent",
    requester_kind="agent",
    accountable="Mira Novák",
    model="google/veo-3.1",
    purpose="final",
    territories=("DE", "FR", "AT"),
    audience="public",
    sector="advertising",
    declaration=Declaration(
        deep_fake="yes", real_person="unknown", consent="cns_0198b7c2d3e44f5a8b9c0d1e2f3a4b5c"
    ),
    prompt="A paper boat crosses a harbour at dusk; the captain, seen from behind, looks like "
    "the mayor of the town. Slow pan, warm light, no text.",
)
