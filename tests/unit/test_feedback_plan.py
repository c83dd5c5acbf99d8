"""Replies are classed by rules; what follows from an event is decided from values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni.connectors.types import EventKind, InboxEvent
from omni.feedback.more_languages import PHRASES
from omni.feedback.plan import classify, consequences, read
from omni.feedback.types import RecordedEvent

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

REPLIES: dict[EventKind, tuple[str, ...]] = {
    "opt_out": (
        "UNSUBSCRIBE", "stop", "Please stop.", "Stop writing to me", "Don’t message me again",
        "please do not contact us", "Take me off your list", "leave me alone!", "opt out",
        "No more messages please. I'm not interested.", "Interesting, but never write to me again",
        "I'm on vacation. Unsubscribe me.",
        "Bitte nicht mehr", "Bitte schreib mir nicht mehr!", "Schreiben Sie mir bitte nie wieder.",
        "Ich möchte, dass Sie mich nicht mehr kontaktieren", "Lass mich in Ruhe",
        "Keine weiteren Nachrichten bitte", "Bitte abmelden", "Hören Sie bitte auf",
        "Ne m’écrivez plus", "ne me contactez plus jamais", "Merci de ne pas me contacter",
        "Arrêtez de m'envoyer des messages", "Désabonnez-moi", "laissez-moi tranquille",
        "No me escribas más", "Por favor no me contacten", "Deja de escribirme",
        "Quiero darme de baja", "Déjame en paz", "No quiero más mensajes",
        "Não me escreva mais", "Pare de me mandar mensagens", "Quero me descadastrar",
        "Me tire da lista", "Deixe-me em paz", "Não quero receber mais mensagens",
        "non scrivermi più", "ＵＮＳＵＢＳＣＲＩＢＥ", "un\u200bsubscribe",
    ),
    "out_of_office": (
        "I am out of the office until Monday.", "Automatic reply: thanks for your message",
        "I'm on annual leave and will be back on 3 May", "Currently away until June",
        "Ich bin derzeit im Urlaub", "Automatische Antwort: nicht im Büro",
        "Ab Montag bin ich wieder erreichbar", "Réponse automatique : je suis en congés",
        "Absente du bureau jusqu'à lundi", "Estoy de vacaciones hasta el lunes",
        "Respuesta automática: fuera de la oficina", "Estou de férias até segunda",
        "Automatic reply: I'm away. Is it urgent? Ask Tom.",
        "Resposta automática: estarei de volta na segunda",
    ),
    "not_interested": (
        "Not interested", "I'm not really interested, sorry", "No thanks!", "no, thank you",
        "I'm no longer interested", "This isn't interesting to me", "I'll pass", "no", "Nope.",
        "It sounds great but not right now", "Thanks, but this is not for me.",
        "Kein Interesse", "Ich bin leider nicht interessiert", "Nein danke", "Nichts für mich",
        "Klingt gut, aber leider kein Bedarf", "Pas intéressé", "ça ne m’intéresse pas",
        "Non merci", "Je ne suis pas vraiment intéressée", "No me interesa",
        "No estoy interesada", "no, gracias", "No tengo ningún interés", "Não tenho interesse",
        "Não, obrigado", "não estou interessado", "Non mi interessa",
    ),
    "interested": (
        "I'm interested", "Sounds great, tell me more", "Yes please!", "I'd love to hear more",
        "Sure", "Can you send me details?", "Let's talk. When can we meet?",
        "Please don't stop writing, this is interesting",
        "I'm on vacation but very interested", "Ja gerne!", "Klingt spannend, erzähl mir mehr",
        "Ich bin interessiert", "Oui, avec plaisir", "Ça m'intéresse, dites-m'en plus",
        "Pourquoi pas", "Me interesa", "Suena genial, cuéntame más", "Sí, por favor",
        "Tenho interesse!", "Parece ótimo, quero saber mais", "Me interessa", "ok",
    ),
    "replied": (
        "Who are you?", "Wer sind Sie?", "Qui êtes-vous ?", "¿Quién eres?", "Quem é você?",
        "Je ne me souviens pas de vous", "I don't text people I do not know", "👍", "", "   ",
        "Ich schreibe nicht mehr viel hier", "No me molesta", "My book is called The Stop",
        "> unsubscribe\n> sounds great\nHello there", "Is this an automated reply?",
        "I'm on vacation with my kids, who are you?", "I'm on holiday, how did you find me",
        "Je suis en vacances, c'est pour quoi ?",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, texts in REPLIES.items() for text in texts]
)
def test_replies_are_classed(kind: EventKind, text: str) -> None:
    assert classify(text) == kind
    assert classify(f"  {text.upper()}\r\n") == kind


@pytest.mark.parametrize(
    "text",
    [
        "STOP 🛑", "s\u200btop", "Stop, thanks", "pls stop", "just stop", "No, stop it!",
        "Stop.\n\nSent from my phone", "Please stop. I'm out of office", "Not interested. Stop",
        "Why don't you just leave me alone?", "NO STOP WRITING ME", "I want no more messages",
        "I don't want any more messages", "I do not wish to be contacted", "Go away, spammer",
        "I don't want to hear from you", "I asked you not to write",
        "Go away", "Don't contact this account", "Not interested, please remove", "STOPALL",
        "I don't want to receive messages from you", "Don't send me messages", "stop stop stop",
        "Please do not message", "Kindly stop", "I said stop", "optout", "Quit.", "Cancel",
        "No further contact please", "This is spam", "Reported and blocked", "cease and desist",
        "lose my number", "don't msg me", "I am interested in never hearing from you",
        "Desuscríbeme", "No quiero que me escribas", "Não quero receber mensagens", "Smettila",
        "Bitte löschen Sie meine Daten", "Bitte mich nicht mehr anschreiben", "Stop svp", "Pare",
    ],
)  # fmt: skip
def test_a_wish_for_an_end_is_found_however_short_or_rude(text: str) -> None:
    assert classify(text) == "opt_out"
    assert classify(text.upper()) == "opt_out"


@pytest.mark.parametrize(
    "text",
    [
        "Don't stop!",
        "Why don't you write more often?",
        "The next stop, please",
        "Never stop growing",
        "Fair enough, tell me more",
        "I like it in the end",
        "We had to cancel the last one, when is the next?",
        "Nobody here likes spam",
        "Send me more",
    ],
)
def test_not_every_stop_is_a_wish_for_an_end(text: str) -> None:
    assert classify(text) != "opt_out"


@given(st.text(max_size=300), st.sampled_from(["unsubscribe", "leave me alone", "opt out"]))
def test_a_wish_to_hear_no_more_is_found_after_any_text(before: str, wish: str) -> None:
    assert classify(f"{before.replace('>', '')}\n. {wish}") == "opt_out"


def test_huge_text_is_read_only_in_part() -> None:
    assert classify("stop " * 1_000_000) == "replied"


def _event(**changes: Any) -> InboxEvent:
    fields: dict[str, Any] = {
        "event_id": "e1",
        "kind": "replied",
        "platform_id": "did:1",
        "text": "tell me more",
        "occurred_at": NOW - timedelta(hours=1),
    }
    return InboxEvent(**(fields | changes))


def test_reading_classes_replies_and_leaves_other_events_alone() -> None:
    assert read(_event(), NOW).kind == "interested"
    assert read(_event(text=None), NOW).kind == "replied"
    assert read(_event(kind="delivered", text="unsubscribe"), NOW).kind == "delivered"
    assert read(_event(kind="blocked", text=None), NOW).kind == "blocked"


def test_reading_makes_foreign_values_storable() -> None:
    event = read(
        _event(
            event_id="x" * 9_000,
            platform_id="did:\0one",
            text="hi\0\ud800" + "y" * 20_000,
            occurred_at=(NOW + timedelta(days=400)).astimezone(timezone(timedelta(hours=5))),
        ),
        NOW,
    )
    assert len(event.event_id) == 64
    assert event.platform_id == "did:one"
    assert event.text is not None
    assert event.text.startswith("hiy")
    assert len(event.text) == 10_000
    assert event.occurred_at == NOW
    assert read(_event(occurred_at=datetime(2026, 1, 1)), NOW).occurred_at.tzinfo is UTC
    assert read(_event(event_id="a\0"), NOW).event_id != read(_event(event_id="a"), NOW).event_id


def _recorded(kind: EventKind, person: str = "did:1", lead: int | None = 1) -> RecordedEvent:
    return RecordedEvent(7, "e", kind, "synthetic", person, 1, lead, 1, 1, NOW)


@pytest.mark.parametrize(
    ("kind", "replied", "suppressed", "cancelled"),
    [
        ("delivered", 0, 0, 0),
        ("seen", 0, 0, 0),
        ("out_of_office", 0, 0, 0),
        ("bounced", 0, 0, 0),
        ("replied", 1, 0, 1),
        ("interested", 1, 0, 1),
        ("not_interested", 1, 0, 1),
        ("opt_out", 1, 1, 1),
        ("blocked", 0, 1, 1),
    ],
)
def test_what_follows_from_an_event(
    kind: EventKind, replied: int, suppressed: int, cancelled: int
) -> None:
    outcome = consequences([_recorded(kind)])
    counts = (len(outcome.replied_leads), len(outcome.suppress), len(outcome.cancel))
    assert counts == (replied, suppressed, cancelled)


def test_each_person_and_lead_is_named_once_and_strangers_can_opt_out_too() -> None:
    events = [_recorded("replied"), _recorded("opt_out"), _recorded("opt_out", "did:2", None)]
    outcome = consequences(events)
    assert outcome.replied_leads == (1,)
    assert [person.platform_id for person in outcome.suppress] == ["did:1", "did:2"]
    assert [person.platform_id for person in outcome.cancel] == ["did:1", "did:2"]


@pytest.mark.parametrize("phrase", PHRASES)
def test_a_wish_for_an_end_is_known_in_many_languages(phrase: str) -> None:
    for text in (phrase, phrase.upper(), f"🙂 {phrase}!", f"… {phrase}, 2026"):
        assert classify(text) == "opt_out", text


@pytest.mark.parametrize(
    "text",
    ["今日はありがとう", "谢谢你的消息", "감사합니다", "Спасибо, расскажите", "شكرا جزيلا",
     "Dziękuję bardzo", "धन्यवाद", "ขอบคุณมาก", "Teşekkürler", "Tack så mycket", "תודה רבה",
     "Ďakujem"],
)  # fmt: skip
def test_thanks_in_other_languages_are_no_wish_for_an_end(text: str) -> None:
    assert classify(text) != "opt_out"
