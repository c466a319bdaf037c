// What the phones say themselves, in their own languages. What the bot says comes from the bot.

const KEYS = [
  "name", "activist", "volunteer", "translator", "moderator", "someone",
  "start", "write", "send", "reply", "edit", "edited", "cancel", "examples", "attach",
  "picture", "voice", "sticker", "waiting", "heard", "handed", "refused", "remove", "chat",
];

const TABLE = {
  en: ["English", "Activist", "Volunteer", "Translator", "Moderator", "Somebody new",
    "Start", "Message", "Send", "Reply", "Edit", "edited", "Cancel", "Lines to try", "Send a file",
    "Picture", "Voice message", "Sticker", "sending", "arrived", "passed on", "not sent",
    "Throw this phone away", "Chat"],
  fa: ["فارسی", "کنشگر", "داوطلب", "مترجم", "ناظر", "آدم تازه",
    "شروع", "پیام", "فرستادن", "پاسخ", "ویرایش", "ویرایش‌شده", "لغو", "جمله‌های نمونه", "فرستادن فایل",
    "عکس", "پیام صوتی", "برچسب", "در حال ارسال", "رسید", "رسانده شد", "فرستاده نشد",
    "کنار گذاشتن این تلفن", "گفت‌وگو"],
  ar: ["العربية", "طلب المساعدة", "التطوع", "الترجمة", "الإشراف", "شخص جديد",
    "ابدأ", "رسالة", "إرسال", "رد", "تعديل", "معدّلة", "إلغاء", "جمل للتجربة", "إرسال ملف",
    "صورة", "رسالة صوتية", "ملصق", "قيد الإرسال", "وصلت", "نُقلت", "لم تُرسل",
    "التخلص من هذا الهاتف", "محادثة"],
  ru: ["Русский", "Активизм", "Волонтёрство", "Перевод", "Модерация", "Новый человек",
    "Старт", "Сообщение", "Отправить", "Ответить", "Изменить", "изменено", "Отмена",
    "Примеры фраз", "Отправить файл", "Фото", "Голосовое", "Стикер",
    "отправляется", "дошло", "передано", "не отправлено", "Убрать этот телефон", "Чат"],
  "zh-Hans": ["中文", "行动者", "志愿者", "译者", "管理员", "新来的人",
    "开始", "消息", "发送", "回复", "编辑", "已编辑", "取消", "示例", "发送文件",
    "图片", "语音", "贴纸", "发送中", "已收到", "已转达", "未发送", "移除这部手机", "聊天"],
  es: ["Español", "Activista", "Voluntariado", "Traducción", "Moderación", "Alguien nuevo",
    "Inicio", "Mensaje", "Enviar", "Responder", "Editar", "editado", "Cancelar",
    "Frases para probar", "Enviar un archivo", "Foto", "Mensaje de voz", "Sticker",
    "enviando", "recibido", "transmitido", "no enviado", "Quitar este teléfono", "Chat"],
  fr: ["Français", "Activiste", "Bénévole", "Traduction", "Modération", "Nouvelle personne",
    "Menu", "Message", "Envoyer", "Répondre", "Modifier", "modifié", "Annuler",
    "Phrases à essayer", "Envoyer un fichier", "Photo", "Message vocal", "Autocollant",
    "envoi", "reçu", "transmis", "non envoyé", "Retirer ce téléphone", "Discussion"],
  ko: ["한국어", "활동가", "자원봉사자", "번역가", "운영자", "새로운 사람",
    "시작", "메시지", "보내기", "답장", "수정", "수정됨", "취소", "예시 문장", "파일 보내기",
    "사진", "음성 메시지", "스티커", "보내는 중", "도착함", "전달됨", "보내지 못함",
    "이 전화기 치우기", "대화"],
  tr: ["Türkçe", "Aktivist", "Gönüllü", "Çevirmen", "Moderatör", "Yeni biri",
    "Başla", "Mesaj", "Gönder", "Yanıtla", "Düzenle", "düzenlendi", "Vazgeç",
    "Örnek cümleler", "Dosya gönder", "Fotoğraf", "Sesli mesaj", "Çıkartma",
    "gönderiliyor", "ulaştı", "iletildi", "gönderilmedi", "Bu telefonu kaldır", "Sohbet"],
  uk: ["Українська", "Активізм", "Волонтерство", "Переклад", "Модерація", "Хтось новий",
    "Меню", "Повідомлення", "Надіслати", "Відповісти", "Змінити", "змінено", "Скасувати",
    "Приклади фраз", "Надіслати файл", "Фото", "Голосове", "Наліпка",
    "надсилається", "отримано", "передано", "не надіслано", "Прибрати цей телефон", "Чат"],
};

export const WORDS = Object.fromEntries(
  Object.entries(TABLE).map(([language, row]) => [
    language,
    Object.fromEntries(KEYS.map((key, i) => [key, row[i]])),
  ]),
);

export const LANGUAGES = Object.keys(WORDS);

const RTL = /[\u200f\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

export function chromeDirection(language) {
  return language === "fa" || language === "ar" ? "rtl" : "ltr";
}

const STRONG = /[\u200e\u200f\p{L}]/u;
const ISOLATES = /[\u2066-\u2068][^\u2066-\u2069]*\u2069/g;

// The browser goes by the first strong character outside isolates (UAX #9, P2), and takes a line
// without one for left-to-right.
export function hasDirection(text) {
  return STRONG.test(text.replace(ISOLATES, ""));
}

// The same, but a text all in isolates goes by what is in them, and one of digits by `otherwise`.
export function direction(text, otherwise) {
  const found = STRONG.exec(text.replace(ISOLATES, "")) ?? STRONG.exec(text);
  return found ? (RTL.test(found[0]) ? "rtl" : "ltr") : otherwise;
}

// The phones that the gateway knows when it starts, in the order of the story. The lines are for
// whoever plays: `means` is for readers of English.
export const PRESET = [
  {
    handle: "activist", language: "fa", role: "activist", hint: "Needs help.",
    scene: "They took your father last night. You write Persian, on a cheap phone. "
      + "The lamp below has lines to send.",
    lines: [
      { says: "پدرم را دیشب بردند، به یک خبرنگار نیاز دارم",
        means: "They took my father last night, I need a journalist" },
      { says: "ساعت دو شب آمدند و خودشان را معرفی نکردند",
        means: "They came at two in the night and did not say who they were" },
      { says: "سپاس از کمک شما", means: "Thank you for your help" },
    ],
  },
  {
    handle: "volunteer", language: "en", role: "volunteer", hint: "Can help.",
    scene: "You are a reporter abroad. Say once what you can do; you hear when somebody needs it.",
    lines: [
      { says: "Reporter, ten years on Iran. I can write about him tonight." },
      { says: "When did they come? Please do not write names." },
    ],
  },
  {
    handle: "translator", language: "en", role: "translator",
    hint: "Knows both languages.",
    scene: "You read Persian and English. You reply to a message with its translation.",
    lines: [
      { says: "کی آمدند؟ لطفاً اسم ننویسید.", means: "When did they come? Please do not write names." },
      { says: "They came at two in the night and did not say who they were.",
        means: "what the activist wrote" },
    ],
  },
  {
    handle: "moderator", language: "en", role: "moderator", hint: "Looks after the others.",
    scene: "You keep the place safe: you verify people, and read what is reported.",
    lines: [{ says: "queue" }, { says: "stats" }],
  },
];
