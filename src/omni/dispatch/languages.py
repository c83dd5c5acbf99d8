"""Plain words of some languages: those that say nothing of anybody.

No place, trade, taste, kin, number, age or belief stands in them. A language that is not here has
none: a text in it is made of the template's own words and of quotes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Language:
    """What is known of a language.

    Attributes:
        plain: Words that say nothing of anybody; of a language without spaces, pieces of them.
        you: Words that speak to the person.
        me: Words with which people begin to speak of themselves.
        turns: Words that turn round, or take back, what stands beside them.
        asked: Words that may stand in a question alone, since said they would be a claim.
    """

    plain: frozenset[str] = frozenset()
    you: frozenset[str] = frozenset()
    me: frozenset[str] = frozenset()
    turns: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _language(plain: str, you: str, me: str, turns: str, asked: str = "") -> Language:
    return Language(*(_listed(words) for words in (plain, you, me, turns, asked)))


NEUTRAL: Final = Language()

LANGUAGES: Final[Mapping[str, Language]] = {
    "en": _language(
        plain="""
        a about after again all also always am an and any anything are around as ask at be
        because been before being best both but by call came can care caught chance chat check
        come could curious day dear did do does doing done each else enjoy enjoyed ever every
        eye feel find first for forward found from gave get give glad go good got great
        greetings had happen happy has have hear heard hello help here hey hi hope how
        hurry i i'd i'll i'm i've idea if in interest interested interesting into is it it's its
        just keen
        keep kind know last let like liked line little look looking love made make many may
        maybe me mean mention mentioned message might mind minute moment more most much my name
        new nice note noticed now of off often on one only or other our out over perhaps please
        pleased pressure point post posted posts profile put question quick quite rather reach
        reaching read reading really reason reply said same saw say saying says see seem seems
        send sent share shared short should so some something soon sorry speak still stood such
        sure take talk tell than thank thanks that that's the their them then there these they
        thing things think this those though thought time to today together too touch try up us
        very want wanted was way we we'd we'll we're we've welcome well were what when where
        which while who why will wish with wonder wondered wondering word words would write
        writing wrote yes yet
        """,
        you="u ur you you'd you'll you're you've your yours yourself yourselves",
        me="i i'm i've am we we're we've are have also",
        turns="""
        almost aren't can't cannot couldn't didn't doesn't don't ex former formerly hardly hasn't
        haven't isn't nearly neither never no no-one nobody none nor not nothing rarely seldom
        shouldn't wasn't weren't without won't wouldn't
        """,
    ),
    "de": _language(
        plain="""
        aber abend als am an antwort antworten auch auf aufgefallen aus bei beim beitrag beiträge
        bin bist bitte da dafür damit dank danke dann darf darüber das dass davon dazu dem den
        denn der des die diese diesen dieser dieses dort durch dürfen ein eine einem einen einer
        eines einmal entdeckt erzähl erzählen es etwas frage fragen freue freuen freundliche freut
        für gefunden gelesen gerade gern gerne geschrieben gesehen gespannt gruß grüße gut guten
        habe haben hallo hast hat heute herzliche hey hi hier hätte hätten ich im in interessant
        ist jetzt kann kurz können könnte könnten könntest las lese lesen liebe lieber liest mal
        man mehr mein meine meinen meiner melde melden mich mir mit morgen möchte möchten nach
        nachricht neugierig noch ob oder passt post posts profil sagen sagt satz schon schreibe
        schreiben schreibst schrieb schriebst schön schöne schöner sehr sein sich sind so soll
        sollte spannend stand steht tag text toll tolle über um und uns unser unsere unserem
        unseren unserer viele vielen vielleicht vom von vor wann war warum was weil welche welcher
        wenn wer werden wie wir wird wirklich wo worte wäre würde würden würdest zeilen zu zum zur
        """,
        you="""
        du dich dir dein deine deinem deinen deiner deines euch euer eure ihr ihnen ihre ihrem
        ihren ihrer sie
        """,
        me="ich wir bin sind habe haben",
        turns="""
        fast kaum kein keine keinem keinen keiner nicht nichts nie niemals ohne selten weder
        """,
        asked="hättest interessierst magst möchtest willst",
    ),
    "fr": _language(
        plain="""
        ai aimerais aimerions as au aurais aurait aussi aux avec avez avons beaucoup bien bientôt
        bon bonjour bonne bonsoir c car ce cela ces cet cette chez cher chère comment cordialement
        curieuse curieux d dans de des dire disiez dit dites donc dont du découvert elle en encore
        es est et ici il intéressant intéressante j je journée l la le les lire lu là m ma mais
        merci mes message moi mon mots nos notre nous on ou où par parler peut peux phrase plaisir
        plaît plus poser post posts pour pourquoi pourrais pourrait pouvez profil publication
        publications qu quand que quel quelle question qui quoi ravi ravie remarqué répondre
        réponse s salut savoir se serais serait si sommes sont souhaite suis sur t texte trouvé
        très un une voir voudrais voudrions vu y à ça écrit écriviez était été être
        """,
        you="te toi ton ta tes tu vos votre vous",
        me="j je nous suis sommes ai avons",
        turns="aucun aucune guère jamais n ne ni pas personne presque rarement rien sans",
        asked="aimeriez essayer intéresse intéresserait plairait souhaitez veux voulez",
    ),
    "es": _language(
        plain="""
        a ahí al algo aquí bien buena buenas bueno buenos como con contar contarte cuando cuál
        cuándo curiosa curioso cómo de decías del desde dijiste donde dónde días e el en encantaría
        encontrado entre era es esa escribes escribir escribirte escribiste escrito ese eso esta
        estamos estar estas este esto estos estoy está están estimada estimado frase fue gracias
        gustaría ha haber hablar hacer han has hasta hay he hemos hola interesante la las leí leído
        lo los me mensaje mi mis muchas muy más nos nuestra nuestras nuestro nuestros o palabras
        para perfil pero podemos podría podríamos por porque pregunta preguntar preguntarte
        publicación publicaciones publicaste puede puedo que quería queríamos quien quisiera quién
        qué responder respuesta saber saludos ser sería si sobre somos soy sí también tardes texto
        u un una unas unos verlo vi visto y ya yo
        """,
        you="""
        contigo le les os su sus te ti tu tus tú usted ustedes vosotros vuestra vuestro
        """,
        me="yo soy somos he hemos",
        turns="""
        apenas casi jamás nada nadie ni ninguna ninguno ningún no nunca sin tampoco
        """,
        asked="interesa interesaría podrías probar probarlo puedes quiere quieren quieres",
    ),
    "it": _language(
        plain="""
        a abbiamo agli ai al alla alle allo anche ancora avete bene buona buonasera buongiorno
        buono che chi chiedere ci ciao ciò come con cordiali cosa curiosa curioso d da dagli dal
        dalla degli dei del della delle dello di dici domanda dove e ed era essere fra frase
        gentile giornata già gli grazie ha hai ho i il in interessante io l la le letto lo ma
        messaggio mi mia mie miei mio molto nei nel nella nelle noi nostra nostre nostri nostro
        notato o parlare parole per perché piacere piacerebbe più posso possiamo post potrei
        potremmo profilo quale quando quella quello questa queste questi questo qui raccontare
        rispondere risposta saluti salve sapere sarebbe scritto scrivere scrivevi scrivi se si
        siamo sono sul sulla su testo tra trovato un una uno visto vorrei vorremmo è
        """,
        you="lei sua sue suo suoi te ti tu tua tue tuo tuoi vi voi vostra vostro",
        me="io noi sono siamo ho abbiamo",
        turns="mai neanche nessuna nessuno niente non nulla né quasi raramente senza",
        asked="interessa interesserebbe potresti provare provarlo puoi vuoi vuole volete",
    ),
    "pt": _language(
        plain="""
        a abraço ainda aqui as até bem boa bom caro com como contar cumprimentos curiosa curioso
        da das de dia disse do dos e em encontrado encontrei entre era escreve escrever escreveste
        escreveu escrito essa esse esta estamos estar este estou está eu falar foi frase gostaria
        gostaríamos há interessante isso isto já li lido mais mas me mensagem meu meus mim minha
        minhas muito na nas no noite nos nossa nossas nosso nossos num numa nós o obrigada
        obrigado oi olá onde os ou palavras para pela pelo perfil pergunta perguntar podemos
        poderia poderíamos por porque post posso prazer prezada prezado publicação publicações
        qual quando que quem queria queríamos reparei responder resposta saber se ser seria sim
        sobre somos sou são também tarde temos tenho texto tinha um uma umas uns vi visto é
        """,
        you="""
        contigo lhe seu seus sua suas te teu teus ti tu tua tuas você vocês
        """,
        me="eu nós sou somos tenho temos",
        turns="jamais nada nem nenhum nenhuma ninguém nunca não quase raramente sem",
        asked="experimentar interessa interessaria pode podes quer querem queres",
    ),
    "nl": _language(
        plain="""
        aan al als antwoord antwoorden bedankt ben benieuwd bericht berichten beste bij daar dag
        dank dat de der deze die dit door dus een eens en er erg erover ervoor fijn gelezen
        geschreven gevonden gezien goed goede goedemorgen goedendag graag groeten groetjes had
        hallo heb hebben hebt heel het hier hoe hoi horen ik in interessant is kan kort kunnen
        kunt laten las lees leuk leuke maar mag me meer met mij mijn misschien mooi mooie naar
        nieuwsgierig nog nu of om omdat onze ons ook op opgevallen over post profiel schreef
        schrijft te tekst tot uit van vertellen voor vraag vragen waar waarom wanneer want was wat
        we welke weten wie wij woorden wordt zag zin zo zou zouden zijn
        """,
        you="je jij jou jouw jullie u uw",
        me="ik wij we ben zijn heb hebben",
        turns="bijna geen nauwelijks niemand niet niets noch nooit zelden zonder",
        asked="interesseert proberen wil wilt",
    ),
    "ru": _language(
        plain="""
        а был была были было будет бы в вечер во вопрос всего где день для до добрый дня дорогая
        дорогой если есть ещё еще за заметил заметила здесь здравствуй здравствуйте и из или
        интересно к как какая какие какой ко когда кто ли любопытно меня мне мог могла могу можем
        можно мои мой моё моя мы на написал написала написали написать нам нас наш наша наше наши
        нашла нашёл но о об обо ответ ответить от очень писали пишете пишешь по поговорить пост
        посте посты почему привет приятно про профиле профиль прочитал прочитала прочитали прочёл
        публикации публикацию публикация рад рада рады рассказать с слова со сообщение спасибо
        спросить там также текст то тоже тут у уважаемая уважаемый уважением увидел увидела увидели
        уже узнать утро фраза фразу хорошего хотел хотела хотели хотелось что эта эти это этого
        этот я
        """,
        you="""
        вам вас ваш ваша ваше вашего вашем ваши вашу вы твоего твоя твоё твоём твои твой твою тебе
        тебя ты
        """,
        me="я мы",
        turns="без едва не нельзя нет ни никогда никто ничего почти редко",
        asked="интересует можете можешь попробовать хотите хочешь",
    ),
    "ja": _language(
        plain="""
        ありがとうございます いい いう いただき いただけますか いただけませんか いました います
        いらっしゃる お伺い お話 お返事 お願いします か から が ください こと この こんにちは
        こんばんは ご連絡 さま さん した して しました する その それ これ です でした でしょうか
        で と という ところ とても との に ね の のを は はじめまして ぜひ プロフィール ます
        ました まで みて みませんか も もし もっと もの よ よければ より よろしければ
        よろしくお願いします を 下さい 伺い 伺っても 初めまして 大変 少し 弊社
        思い 思いました 思って 投稿 拝見 拝見し
        拝見しました 文章 書いて 書いている 書いていた 書かれていた 書かれている 様 私 私たち
        私ども 聞かせて 興味深い 興味深く 見て 見ました 言葉 記事 試して 読みました 読んで 質問
        返事 連絡 について
        """,
        you="あなた あなたの",
        me="私 私は 私も わたし わたしは 僕 僕は",
        turns="ない なく ません ず ではない じゃない",
    ),
}

ME: Final = frozenset[str]().union(*(each.me for each in LANGUAGES.values()))
TURNS: Final = frozenset[str]().union(*(each.turns for each in LANGUAGES.values()))
PLAIN: Final = frozenset[str]().union(
    *(each.plain | each.me for name, each in LANGUAGES.items() if name != "ja")
)
"""Of languages whose words stand apart."""
