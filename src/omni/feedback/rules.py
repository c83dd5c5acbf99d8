"""Reply classes by rules: what people write when they want no more, are away, or want to talk.

The patterns meet a text that was folded first: one case, no accents, plain apostrophes, one space
between words. They are tried in an order in which the class that must not be missed wins: somebody
who asks for an end is never taken for anything else.
"""

from __future__ import annotations

import re
import unicodedata

from omni.connectors.types import EventKind
from omni.feedback.more_languages import PHRASES

MAX_TEXT = 4_000
"""Only so many characters are looked at."""

_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "`": "'", "´": "'", "ʼ": "'", "ı": "i"})
_QUOTED = re.compile(r"^\s*>.*$", re.MULTILINE)

# One alternative a line; each stands between word boundaries.
_NOT_MEANT = (
    r"(?:do not|don't|dont|never|won't|will not|bitte nicht) (?:stop|unsubscribe)",
    r"why (?:don't|do not)",
)
_OPT_OUT = (
    # English
    r"unsubscribe\w*", r"opt(?:ing|ed)?[ -]?(?:me )?out", r"stopall",
    r"(?:stop|quit|cease) (?:writing|messaging|contacting|texting|e-?mailing|sending|spamming|"
    r"bothering|dming|pinging|this|it)", r"cease and desist", r"(?:i said|kindly) stop",
    r"(?:do not|don't|dont|never)(?: ever)? (?:write|message|contact|text|e-?mail|dm|msg|ping|"
    r"bother|send)(?: to)? (?:me|us|again|any ?more)",
    r"please (?:do not|don't|dont) (?:message|text|dm)",
    r"(?:remove|delete|erase) (?:me|my)", r"(?:please|pls) remove", r"remove (?:please|pls)",
    r"take me off", r"leave me (?:alone|be)", r"lose my number",
    r"(?:no|any) (?:more|further) (?:messages|dms|mails|e-?mails|contact)", r"no more,? please",
    r"go away", r"fuck off", r"piss off", r"(?:this|that|it) is spam", r"reported (?:you|as|and)",
    r"(?:do not|don't|dont|not|never) (?:want|wish|like|care)?\s?(?:to )?"
    r"(?:be (?:contacted|messaged|written to)|hear(?:ing)? from you|"
    r"(?:receive|get) (?:any )?(?:more )?(?:messages|dms|mails|e-?mails))",
    r"asked you (?:not to|to stop)", r"(?:do not|don't|dont|never) contact",
    # German
    r"(?:schreib\w*|kontaktier\w*|belastig\w*|melde\w*)(?: sie)?(?: bitte)? (?:mir|mich|uns) "
    r"(?:bitte )?(?:nicht|nie|keine)\w*", r"(?:mir|mich|uns) (?:bitte )?(?:nicht mehr|nie wieder|"
    r"nicht weiter) (?:zu )?\w*(?:schreib|kontaktier|belastig)\w*", r"bitte nicht mehr(?! so)",
    r"keine (?:weiteren?|mehr) (?:nachrichten|mails|dms|werbung)",
    r"keine (?:nachrichten|mails|dms|werbung) mehr", r"abmelden", r"(?:ab|aus)bestell\w*",
    r"austragen", r"nicht mehr an(?:zu)?schreib\w*",
    r"(?:losch\w*|entfern\w*) (?:sie )?(?:bitte )?(?:mich|uns|meine)", r"verpiss\w*",
    r"lass\w* (?:sie )?mich(?: bitte)? in ruhe", r"hor\w* (?:sie )?(?:bitte )?auf",
    # French
    r"ne (?:m'|me |nous )(?:ecri|contact|envo|derang|sollicit|relanc)\w+ (?:plus|pas|jamais)",
    r"(?:ne )?(?:plus|pas) (?:m'|me |nous )(?:contacter|ecrire|envoyer|deranger|solliciter)",
    r"m'ecri\w+ plus", r"me contact\w+ plus", r"arret\w+ de (?:m'|me |nous )\w+",
    r"desabonn\w*", r"desinscri\w*", r"laiss\w+[ -]moi tranquille", r"retir\w+[ -]moi",
    r"plus (?:de|aucun) messages?",
    # Spanish
    r"no (?:me|nos) (?:escrib(?:as|a|an|ais)|contact(?:es|e|en|eis)|mand(?:es|e|en)|"
    r"envi(?:es|e|en)|molest(?:es|e|en))", r"no mas mensajes",
    r"no (?:quiero|deseo) (?:recibir )?(?:mas )?(?:mensajes|correos)",
    r"no (?:quiero|deseo) que (?:me|nos) (?:escrib|contact|mand|envi|molest)\w*", r"desuscri\w*",
    r"dej\w+ de (?:escribir|contactar|molestar|enviar|mandar)\w*",
    r"(?:dar|da|de)me de baja", r"cancelar (?:la )?suscripcion", r"dej[ae]\w*me en paz",
    # Portuguese
    r"nao (?:me|nos) (?:escrev[ao]\w*|contac?t[ae]\w*|mande\w*|envie\w*|incomod[ae]\w*)",
    r"par(?:e|a|em|ar) de (?:me )?(?:escrever|contac?tar|mandar|enviar|incomodar)\w*",
    r"nao quero (?:receber )?(?:mais )?mensagens", r"descadastr\w*", r"cancelar (?:a )?inscricao",
    r"(?:me tire|tira-me|tire-me|remova-me|me remova)", r"deix\w+[ -]me em paz",
    r"me deix\w+ em paz", r"sem mais mensagens",
    # Italian, Dutch
    r"non (?:mi )?(?:scriver\w+|scriva\w*|contatt\w+)", r"disiscriv\w*", r"cancellami",
    r"smett\w+ di scriver\w+", r"uitschrijven", r"afmelden", r"niet meer (?:schrijven|benaderen)",
    r"stop met (?:schrijven|berichten)",
)  # fmt: skip
_OPT_OUT_ALONE = (
    r"(?:(?:please|pls|plz|just|bitte|no) )*stopp?"
    r"(?: (?:it|now|please|pls|thanks|thank you|bitte|svp|stopp?)){0,5}",
    r"s t o p",
    r"(?:basta|arret\w*|par[ae]r?|baja|smettila|quit|cancel|end|enough|spam|revoke)",
)
_AUTOMATIC = (
    r"out of (?:the )?office", r"auto(?:matic|mated)?[ -]?(?:reply|response|responder|answer)",
    r"automatische (?:antwort|nachricht)", r"nicht im buro", r"ausser haus", r"abwesenheit\w*",
    r"reponse automatique", r"(?:hors|absent\w*) du bureau", r"respuesta automatica",
    r"fuera de (?:la )?oficina", r"resposta automatica", r"fora do escritorio",
    r"risposta automatica", r"automatisch antwoord",
)  # fmt: skip
_AWAY = (
    r"on (?:vacation|holidays?|(?:annual |parental |sick |maternity |paternity )?leave)",
    r"(?:currently |am )away (?:until|till|from|on)", r"(?:be back|return\w*) (?:on|by|in|next)",
    r"im urlaub", r"in elternzeit", r"wieder (?:im buro|erreichbar|zuruck|da)", r"abwesend",
    r"en conges?", r"en vacances", r"de retour (?:le|en|lundi)", r"absente? (?:jusqu|du)",
    r"de vacaciones", r"(?:estoy|estare) (?:ausente|de vuelta)", r"de ferias",
    r"(?:estou|estarei) (?:ausente|de volta)", r"in ferie", r"met vakantie",
)  # fmt: skip
_NOT_INTERESTED = (
    # English
    r"(?:not|\w+n't|no longer|never)(?: \w+){0,2} interest(?:ed|ing)?", r"(?:no|zero) interest",
    r"no,? ?(?:thanks?|thx|thank you|ty)", r"not (?:really )?(?:for me|my thing|a (?:good )?fit)",
    r"not (?:right )?now", r"i(?:'ll| will| have to) pass", r"i'm (?:good|fine),? thanks?",
    r"(?:do not|don't|dont) (?:need|want) (?:this|it|that|any)", r"no time for",
    # German
    r"kein\w* (?:interesse|bedarf)", r"nicht(?: \w+){0,2} interessi\w+", r"nein,? danke",
    r"(?:nichts|nicht) fur (?:mich|uns)", r"leider (?:nicht|nein|kein\w*)", r"brauche ich nicht",
    # French
    r"pas(?: \w+){0,2} interess\w+", r"interesse (?:pas|plus|aucunement)", r"non,? merci",
    r"sans facon", r"pas pour (?:moi|nous)", r"pas besoin",
    # Spanish
    r"no(?: \w+){0,3} interes\w*", r"no,? gracias", r"no es para (?:mi|nosotros)", r"sin interes",
    r"no (?:lo )?necesit\w+", r"ahora no",
    # Portuguese
    r"nao(?: \w+){0,3} interess\w*", r"nao,? obrigad\w*", r"nao e para (?:mim|nos)",
    r"sem interesse", r"nao precis\w+", r"agora nao",
    # Italian, Dutch
    r"non(?: \w+){0,2} interess\w*", r"no,? grazie", r"geen interesse", r"nee,? (?:bedankt|dank)",
)  # fmt: skip
_NOT_INTERESTED_ALONE = (r"(?:no|nope|nah|nein|non|nao|nee)",)
_INTERESTED = (
    # English
    r"interest(?:ed|ing)", r"sounds (?:\w+ )?(?:good|great|interesting|fun|nice|cool|amazing)",
    r"tell me more", r"(?:would|'d) love to", r"love to (?:hear|chat|talk|learn)",
    r"let's (?:talk|chat|do|meet|connect)", r"yes,? (?:please|sure|of course)", r"count me in",
    r"happy to (?:chat|talk|connect|help|hear)", r"(?:i'm|am) (?:keen|in)", r"keen to",
    r"(?:send|share) (?:me |us )?(?:some |the |more )?(?:more|info\w*|details|link)",
    r"more (?:info|information|details)", r"(?:book|schedule) a call",
    r"when (?:can|could|are|would) (?:we|you)",
    # German
    r"interessi\w+", r"interessant", r"klingt (?:\w+ )?(?:gut|spannend|super|toll|prima)",
    r"(?:sehr )?gerne?(?! nicht)", r"erzahl\w* .{0,20}mehr", r"mehr (?:erfahren|infos?|dazu)",
    r"ja,? bitte", r"bin dabei", r"lass\w* uns (?:reden|sprechen|telefonieren|treffen)",
    # French
    r"m'interesse", r"interessee?s?", r"interessante?", r"avec plaisir", r"volontiers",
    r"di(?:te)?s[ -]m'en plus", r"en savoir plus", r"pourquoi pas", r"oui,? (?:merci|avec|bien)",
    # Spanish
    r"interesad\w+", r"me interesa", r"interesante", r"cuent\w+ mas", r"me encantaria",
    r"suena (?:muy )?(?:bien|genial)", r"si,? (?:por favor|claro|me)", r"mas informacion",
    r"con (?:mucho )?gusto", r"hablemos",
    # Portuguese
    r"interessad\w+", r"tenho interesse", r"me interessa", r"conte[ -]me mais", r"me conta mais",
    r"saber mais", r"adoraria", r"parece (?:muito )?(?:bom|otimo|legal)", r"com (?:todo )?prazer",
    r"vamos (?:conversar|falar)", r"sim,? (?:por favor|claro|quero)",
    # Italian, Dutch
    r"mi interessa", r"volentieri", r"raccontami", r"geinteresseerd", r"vertel (?:me )?meer",
)  # fmt: skip
_INTERESTED_ALONE = (r"(?:yes|yep|yeah|sure|ok|okay|ja|oui|si|sim|da)(?: please| bitte)?",)


def _any(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(r"(?<!\w)(?:" + "|".join(patterns) + r")(?!\w)")


_RULES: tuple[tuple[EventKind, re.Pattern[str], re.Pattern[str] | None], ...] = (
    ("opt_out", _any(_OPT_OUT), None),
    ("out_of_office", _any(_AUTOMATIC), None),
    ("not_interested", _any(_NOT_INTERESTED), _any(_NOT_INTERESTED_ALONE)),
    ("interested", _any(_INTERESTED), _any(_INTERESTED_ALONE)),
    ("out_of_office", _any(_AWAY), None),
)
_IGNORED = _any(_NOT_MEANT)
_HEADED = re.compile(r"(?:" + "|".join(_AUTOMATIC) + r") ?[:.|–-]")
_ASKS = re.compile(
    r"[?؟]|(?<!\w)(?:who (?:are you|is this)|what do you want|how did you|do i know you)(?!\w)"
)
"""Whoever asks something has written it by hand."""
_STOP = _any(_OPT_OUT_ALONE)
_SENTENCE_ENDS = re.compile(r"[^\w\s'-]+")
_LINE_ENDS = re.compile(r"[\r\n]+")


def classify(text: str) -> EventKind:
    """Return what a reply says, by rules for English, German, French, Spanish and Portuguese.

    A wish for an end is known in some thirty languages more (`more_languages`). A question is no
    absence notice, whatever else it says: taken for one, it would stop nothing.

    Returns:
        `opt_out`, `out_of_office`, `not_interested` or `interested`; `replied` where no rule fits.
    """
    folded = fold(text)
    meant = _IGNORED.sub(" ", folded)
    alone = folded.strip(" .!?,;:-")
    if _FOREIGN_OPT_OUT.search(meant) or any(map(_STOP.fullmatch, _sentences(text))):
        return "opt_out"
    by_hand = bool(_ASKS.search(folded)) and not _HEADED.match(folded)
    for kind, pattern, whole in _RULES:
        if kind == "out_of_office" and by_hand:
            continue
        if pattern.search(meant) or (whole is not None and whole.fullmatch(alone)):
            return kind
    return "replied"


def _sentences(text: str) -> list[str]:
    """Return the parts of a text that signs or line breaks set apart, each as `fold` has it."""
    parts = _SENTENCE_ENDS.split(fold(_LINE_ENDS.sub(" ; ", _own(text))))
    return [part.strip(" -'") for part in parts]


def fold(text: str) -> str:
    """Return a text as the patterns expect it; what it quotes of ours is left out."""
    own = _own(text)
    folded = unicodedata.normalize("NFKC", own).translate(_APOSTROPHES).casefold()
    plain = "".join(
        character
        for character in unicodedata.normalize("NFD", folded)
        if unicodedata.category(character) not in ("Mn", "Cf", "Cc") or character.isspace()
    )
    return " ".join(plain.split())


def _own(text: str) -> str:
    return _QUOTED.sub("", text[:MAX_TEXT])


def _phrases() -> re.Pattern[str]:
    """Return what finds a phrase: at the beginning of a word where words stand apart."""
    return re.compile(
        "|".join(
            rf"(?<![^\W_]){re.escape(p)}" if p[0] < "\u0e00" else re.escape(p)
            for p in sorted(map(fold, PHRASES), key=len, reverse=True)
        )
    )


_FOREIGN_OPT_OUT = _phrases()
