"""The people on virtual time: those who are written to, and those who decide what is sent."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from omni.connectors.types import EventKind, InboxEvent
from omni.dispatch.types import LEAD_REJECTED, Gate, Message
from omni.feedback import plan as feedback
from omni.feedback.types import RecordedEvent
from omni.flow.simulation.book import Book, person_of
from omni.flow.simulation.timeline import Process, Timeline
from omni.flow.simulation.types import Call, Person, Scenario

DAY = timedelta(days=1)
SWEPT_EVERY = timedelta(minutes=5)
DRAFTED_EVERY = timedelta(hours=6)

REPLIES = (
    "Sounds great, tell me more!", "no thanks", "Bitte nicht mehr schreiben", "unsubscribe",
    "I am on vacation until Monday", "No me escribas más", "Who are you?", "Avec plaisir",
)  # fmt: skip


class People:
    """Everybody who is not a program."""

    def __init__(self, scenario: Scenario, timeline: Timeline, book: Book, rng: Random) -> None:
        self._scenario, self._timeline, self._book, self._rng = scenario, timeline, book, rng
        self._inbox: list[tuple[Person, InboxEvent]] = []
        self._platforms = sorted({sender.account.platform for sender in scenario.senders})
        self._known: dict[tuple[int, str], int] = {}

    def begin(self) -> None:
        """Start everything that people do by themselves."""
        for campaign_id in range(1, self._scenario.campaigns + 1):
            self._timeline.start(self._drafts(campaign_id))
        self._timeline.start(self._sweeps())
        self._timeline.start(self._pauses())
        self._timeline.start(self._opt_outs())
        self._timeline.start(self._looks_after())

    def called(self, call: Call) -> None:
        """A message came to the wire; whoever got it may write back."""
        self._book.trace.calls.append(call)
        dice, odds = self._rng.random(), self._scenario.odds
        if call.taken != "no" and dice < odds.replies + odds.blocks:
            kind: EventKind = "replied" if dice < odds.replies else "blocked"
            self._timeline.start(self._answer(call, kind), after=self._some(timedelta(days=2)))

    def _some(self, most: timedelta) -> timedelta:
        return most * self._rng.random()

    def _answer(self, call: Call, kind: EventKind) -> Process:
        """Put an answer into the inbox, where the next sweep finds it."""
        text = self._rng.choice(REPLIES) if kind == "replied" else None
        event_id = f"e{call.message_id}"
        event = InboxEvent(event_id, kind, call.person[1], text, self._timeline.now)
        self._inbox.append((call.person, event))
        yield from ()

    def _sweeps(self) -> Process:
        """Read the inboxes, as the timetable does, with the rules of feedback."""
        while True:
            yield SWEPT_EVERY
            arrived, self._inbox = self._inbox, []
            for person, event in arrived:
                self._record(person, feedback.read(event, self._timeline.now))

    def _record(self, person: Person, event: InboxEvent) -> None:
        """Write an event with everything that must follow from it, in one commit."""
        book = self._book
        book.trace.count(f"came back: {event.kind}")
        recorded = RecordedEvent(
            id=book.commit(),
            event_id=event.event_id,
            kind=event.kind,
            platform=person[0],
            platform_id=person[1],
            campaign_id=None,
            lead_id=1,
            profile_id=None,
            message_id=None,
            occurred_at=event.occurred_at,
        )
        wanted = feedback.consequences([recorded])
        if wanted.replied_leads:
            book.answered(person)
        book.came_back(person, event.kind)
        for suppress in wanted.suppress:
            book.suppress((suppress.platform, suppress.platform_id))
        for cancel in wanted.cancel:
            for message in list(book.of_person((cancel.platform, cancel.platform_id))):
                book.cancel(message.id, cancel.reason)

    def _drafts(self, campaign_id: int) -> Process:
        """Find new people, and write first messages and follow-ups."""
        per_day, share = self._scenario.leads_per_day, DRAFTED_EVERY / DAY
        yield self._some(timedelta(minutes=10))
        while True:
            for platform in self._platforms:
                first = (campaign_id, platform) not in self._known
                count = self._scenario.leads_at_start if first else round(per_day * share)
                for person in self._new_people(campaign_id, platform, count):
                    self._draft(person, campaign_id, 0)
            self._follow_up(campaign_id)
            yield DRAFTED_EVERY

    def _new_people(self, campaign_id: int, platform: str, count: int) -> list[Person]:
        """Return people whom this campaign finds; a fifth of them are another's as well."""
        start = self._known.get((campaign_id, platform), 0)
        self._known[(campaign_id, platform)] = start + count
        people = [
            (platform, f"shared-{n}" if n % 5 == 0 else f"c{campaign_id}-{n}")
            for n in range(start, start + count)
        ]
        for person in people:
            if self._rng.random() < self._scenario.odds.unwilling:
                self._book.trace.unwilling.add(person)
        return people

    def _follow_up(self, campaign_id: int) -> None:
        """Write the next step to whom the last one was sent long enough ago, without an answer."""
        trace, now = self._book.trace, self._timeline.now
        for message in list(self._book.messages.values()):
            step = message.step
            if (
                message.campaign_id == campaign_id
                and message.sent_at is not None
                and step < len(self._scenario.step_delays)
                and message.sent_at + self._scenario.step_delays[step] <= now
                and person_of(message) not in trace.replied
                and person_of(message) not in trace.suppressed
            ):
                self._draft(person_of(message), campaign_id, step + 1)

    def _draft(self, person: Person, campaign_id: int, step: int) -> None:
        if person in self._book.trace.suppressed:
            return
        message = self._book.draft(person, campaign_id, step, self._timeline.now)
        if message is not None:
            self._timeline.start(self._decides(message), after=self._some(timedelta(hours=3)))

    def _decides(self, message: Message) -> Process:
        """Approve it, change it and approve it again, or turn it down."""
        book, odds = self._book, self._scenario.odds
        if self._rng.random() < odds.turned_down:
            book.leads[(message.campaign_id, person_of(message))] = "rejected"
            book.cancel(message.id, LEAD_REJECTED)
            return
        book.approve(message.id, message.body_hash, self._timeline.now)
        if self._rng.random() < odds.changed_mind:
            yield self._some(timedelta(hours=2))
            book.edit(message.id, message.body + " (changed)")
            yield self._some(timedelta(hours=2))
            book.approve(message.id, book.messages[message.id].body_hash, self._timeline.now)

    def _pauses(self) -> Process:
        """Pause an account or a campaign now and then, and resume it hours later."""
        per_day = self._scenario.pauses_per_day
        while per_day:
            yield DAY * self._rng.expovariate(per_day)
            if self._rng.random() < 0.5:
                chosen = self._rng.choice(sorted(self._book.accounts))
                self._timeline.start(self._pause_account(chosen))
            else:
                chosen = self._rng.choice(sorted(self._book.campaign_status))
                self._timeline.start(self._pause_campaign(chosen))

    def _pause_account(self, account_id: int) -> Process:
        self._book.pause(account_id, "a person says so", "person", self._timeline.now)
        yield self._some(timedelta(hours=12))
        self._book.resume(account_id, self._timeline.now)

    def _looks_after(self) -> Process:
        """Look at the accounts twice a day, and let one go on that was stopped for harm."""
        while True:
            yield timedelta(hours=12)
            for account in list(self._book.accounts.values()):
                if account.paused_by == "harm":
                    self._book.resume(account.id, self._timeline.now)

    def _pause_campaign(self, campaign_id: int) -> Process:
        book = self._book
        if book.campaign_status[campaign_id] != "active":
            return
        book.campaign_status[campaign_id] = "paused"
        end_pause = book.begin_pause("campaign", campaign_id)
        yield self._some(timedelta(hours=12))
        end_pause()
        book.campaign_status[campaign_id] = "active"
        book.release(Gate.CAMPAIGN, self._timeline.now)

    def _opt_outs(self) -> Process:
        """Let somebody with a message, in whatever state, ask for an end."""
        per_day = self._scenario.opt_outs_per_day
        while per_day:
            yield DAY * self._rng.expovariate(per_day)
            if self._book.messages:
                chosen = self._book.messages[self._rng.randint(1, len(self._book.messages))]
                self._book.suppress(person_of(chosen))
                for message in list(self._book.of_person(person_of(chosen))):
                    self._book.cancel(message.id, "asked not to be written to")
