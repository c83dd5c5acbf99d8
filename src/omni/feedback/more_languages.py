"""How people ask for an end in more languages: phrases of which one suffices."""

from __future__ import annotations

from typing import Final

PHRASES: Final[tuple[str, ...]] = (
    # Polish, Czech, Slovak
    "nie pisz do mnie", "proszę nie pisać", "przestań pisać", "proszę przestać pisać",
    "wypisz mnie", "nie kontaktuj się ze mną", "daj mi spokój", "nepište mi", "nepiš mi",
    "přestaňte mi psát", "odhlásit odběr", "nekontaktujte mě", "nekontaktujte ma",
    "prestaňte mi písať", "dejte mi pokoj",
    # Russian, Ukrainian, Bulgarian
    "не пишите мне", "не пиши мне", "перестаньте писать", "отпишите меня", "отписаться",
    "оставьте меня в покое", "больше не пишите", "не пишіть мені", "відпишіть мене",
    "відписатися", "припиніть писати", "не ми пишете", "не ми пишете повече",
    "спрете да ми пишете",
    # Turkish
    "bana yazma", "bana yazmayın", "mesaj atmayın", "mesaj göndermeyin", "rahat bırakın",
    "aboneliği iptal", "listeden çıkar",
    # Swedish, Danish, Norwegian, Finnish
    "sluta skriva", "skriv inte till mig", "kontakta mig inte", "avregistrera mig",
    "lämna mig ifred", "hold op med at skrive", "skriv ikke til mig", "kontakt mig ikke",
    "afmeld mig", "slutt å skrive", "ikke skriv til meg", "ikke kontakt meg", "meld meg av",
    "älä kirjoita minulle", "älkää kirjoittako", "lopeta viestit", "lopettakaa viestittely",
    "poista minut listalta", "jätä minut rauhaan",
    # Hungarian, Romanian, Greek
    "ne írjon nekem", "ne írj nekem", "hagyjon békén", "leiratkozás", "iratkozzon le",
    "nu îmi mai scrie", "nu imi mai scrieti", "dezabonare", "lasă-mă în pace",
    "nu mă contacta", "μη μου γράφετε", "μην μου γράφεις", "μη μου ξαναγράψετε",
    "σταματήστε να μου γράφετε", "διαγράψτε με", "αφήστε με ήσυχο",
    # Italian, Dutch, Catalan
    "lasciami in pace", "non contattatemi", "toglimi dalla lista", "rimuovimi",
    "basta messaggi", "niet meer sturen", "schrijf me niet", "stuur me geen berichten",
    "laat me met rust", "neem geen contact meer op", "no m'escriguis", "no m'escriviu",
    "deixa'm en pau",
    # Arabic, Hebrew, Persian
    "لا تراسلني", "لا ترسل لي", "توقف عن مراسلتي", "إلغاء الاشتراك", "اتركني وشأني",
    "אל תכתבו לי", "אל תכתוב לי", "תפסיקו לכתוב", "הסירו אותי", "תורידו אותי מהרשימה",
    "به من پیام ندهید", "دیگر پیام نده", "لغو اشتراک",
    # Hindi, Bengali, Indonesian, Malay, Vietnamese, Thai
    "मुझे संदेश मत भेज", "मुझे मैसेज मत", "मुझसे संपर्क न करें", "সদস্যতা বাতিল",
    "আমাকে মেসেজ করবেন না", "jangan kirim pesan", "jangan hubungi saya",
    "berhenti mengirim", "jangan mesej saya", "berhenti berlangganan", "đừng nhắn tin",
    "đừng liên hệ", "hủy đăng ký", "ngừng nhắn tin", "อย่าส่งข้อความ", "หยุดส่งข้อความ",
    "ยกเลิกการสมัคร", "อย่าติดต่อ",
    # Chinese, Japanese, Korean
    "不要再联系我", "请不要联系我", "不要给我发", "别再发", "别再联系", "退订", "取消订阅",
    "不要再發", "請勿聯絡", "別再聯絡", "退訂", "連絡しないで", "メッセージを送らないで",
    "送ってこないで", "配信停止", "もう送らないで", "連絡をやめて", "연락하지 마",
    "메시지 보내지 마", "보내지 말아", "수신거부", "수신 거부", "구독 취소", "그만 보내",
)  # fmt: skip
