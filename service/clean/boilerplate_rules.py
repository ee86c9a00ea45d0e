"""What is no part of an article, as patterns; `boilerplate` says where and when they count.

Every pattern is matched, case folded, against one whole sentence or line of bounded length. They are
written for what publishers address to their readers, in the imperative or about themselves; a sentence that
reports, quotes or attributes is never looked at (`ATTRIBUTED`).
"""

# Patterns in many scripts, one alternative a line, as long as they are.
# ruff: noqa: E501, RUF001
from __future__ import annotations

import re

from service.values import CutKind


def _any(lines: str) -> re.Pattern[str]:
    """One pattern for a list with one alternative a line."""
    return re.compile("|".join(f"(?:{line.strip()})" for line in lines.strip().splitlines()), re.IGNORECASE)


NETWORKS = (
    r"(?:facebook|twitter|x|instagram|linkedin|telegram|whatsapp|youtube|threads|bluesky|mastodon|tiktok|reddit"
    r"|pinterest|tumblr|flipboard|viber|signal|google(?: news|\+)?|social(?: media)?|вконтакте|vk|одноклассники"
    r"|телеграме?|ютубе?|line|kakao(?:talk)?|weibo|wechat)"
)

# Whoever speaks here speaks in the article.
ATTRIBUTED = re.compile(
    r"\b(?:said|says|saying|told|tells|according to|announced|reported|wrote|writes|added|argued|claimed|urged"
    r"|asked|warned|stated|declared|insisted|explained|noted|tweeted|posted"
    r"|сказал[аи]?|заявил[аи]?|сообщил[аи]?|по словам|sagte|sagt|erklärte|laut|selon|a déclaré|dit|dijo|afirmó"
    r"|según|disse|ha detto|secondo|segundo|powiedział[a]?)\b",
    re.IGNORECASE,
)

# "Read: …", "Also Read:" – what leads to another article.
TEASER_LEAD = _any(
    r"""
    (?:also |must[- ]|now )?read(?: also| more| next| too| this| on| full story| the full story| our full coverage)?
    (?:more )?related(?: (?:stories|articles?|story|news|reading|coverage|content|posts?|links?|topics?|video))?
    see also|read also|further reading|recommended(?: (?:for you|reading|stories|articles))?
    you (?:may|might) (?:also )?(?:like|be interested in)|more (?:stories|news|coverage|from us|on this(?: story| topic)?|like this)
    more (?:from|on|about) (?:the )?[\w'’ .-]{2,40}
    trending(?: now| stories)?|(?:don['’]t|do not) miss(?: this)?|watch(?: also| more| now| live| the video)?|listen(?: also| now)?
    in case you missed it|icymi|editor['’]?s['’]? (?:picks?|choice)|most (?:read|popular)|up next|what to read next
    continue reading|keep reading|also on (?:the )?[\w'’ .-]{2,40}|dive deeper|go deeper|the latest|explore more
    читай(?:те)? (?:также|ещ[её]|дальше|по теме)|читать (?:также|далее|полностью)|смотрите также|(?:материалы )?по теме|подробнее|ещ[её] по теме
    читайте (?:також|ще)|дивіться також|читати (?:також|далі)
    (?:lesen sie|lies) (?:auch|mehr|dazu)(?: auch)?|mehr (?:zum thema|dazu)|auch interessant|siehe auch|weiterlesen|zum thema
    (?:à )?lire (?:aussi|également|la suite)|à lire|voir aussi|sur le même sujet|pour aller plus loin
    (?:lea|lee|leer|ver|vea) (?:también|más)|(?:también )?(?:le|te) puede interesar|más información|noticias? relacionadas?
    (?:leggi|vedi|guarda) (?:anche|tutto)|potrebbe interessarti|leia (?:também|mais)|veja (?:também|mais)|saiba mais
    czytaj (?:też|także|więcej|dalej)|zobacz (?:też|także|również)|lees (?:ook|meer|verder)|bekijk ook
    ayrıca okuyun|ilgili haber(?:ler)?|bunu da okuyun|devamını oku|läs (?:också|mer)|les også|læs også
    관련\s?(?:기사|뉴스|글)|함께 보기|더 보기|関連(?:記事|リンク|ニュース)|あわせて読みたい|続きを読む
    (?:相关|相關|延伸)(?:阅读|閱讀|新闻|新聞|报道|報道)|(?:阅读|閱讀)更多|另请阅读
    [إا]قر[أا] (?:أيض[اً]{1,2}|المزيد)|شاهد أيض[اً]{1,2}|بیشتر بخوانید|همچنین بخوانید
    """
)

REFERENCES = _any(
    r"""
    references|sources|bibliography|works cited|footnotes|endnotes|notes(?: and references)?|citations|references and notes
    литература|источники|примечания|список литературы|джерела|quellen(?:angaben)?|literatur(?:verzeichnis)?|einzelnachweise
    références|sources et références|bibliographie|notes et références|referencias|bibliografía|fuentes|riferimenti|bibliografia
    fonti|referências|fontes|źródła|przypisy|bronnen|kaynaklar|kaynakça|참고\s?(?:문헌|자료)|출처|参考(?:文献|資料|资料)|المراجع|المصادر|منابع
    """
)

READING_TIME = _any(
    r"""
    (?:an? |about |approx(?:imately|\.)? |~ ?)?\d{1,3}(?: ?[-–] ?\d{1,3})?[ -]?min(?:ute)?s?\.?(?: (?:to )?read| reading(?: time)?| listen)
    (?:estimated )?(?:reading|read) time ?[:：-]? ?(?:about )?(?:\d{1,3}|less than (?:a|1)) ?min(?:ute)?s?(?: read)?\.?
    less than (?:a|1) min(?:ute)? read
    lesezeit ?[:：]? ?(?:ca\. ?)?\d{1,3} ?min(?:uten?|\.)?|\d{1,3} min(?:uten?|\.)? (?:lesezeit|lesedauer)
    время (?:чтения|на чтение) ?[:：-]? ?\d{1,3} ?мин(?:ут[аы]?|\.)?|\d{1,3} мин(?:ут[аы]?|\.)? (?:чтения|на чтение)|час читання ?[:：-]? ?\d{1,3} ?хв(?:илин[аи]?|\.)?
    (?:temps de )?lecture ?[:：-]? ?(?:de )?\d{1,3} ?min(?:utes?|\.)?|\d{1,3} min(?:utes?|\.)? de (?:lecture|lectura|leitura)
    tiempo de lectura ?[:：-]? ?\d{1,3} ?min(?:utos?|\.)?|tempo di lettura ?[:：-]? ?\d{1,3} ?min(?:uti|\.)?|tempo de leitura ?[:：-]? ?\d{1,3} ?min(?:utos?|\.)?
    (?:czas czytania|leestijd|okuma süresi) ?[:：-]? ?\d{1,3} ?(?:min(?:ut[y]?|uten)?|dk|dakika)\.?|\d{1,3}\s?분 (?:읽기|소요)|この記事は\d{1,3}分で読めます
    """
)

DATE_LEAD = _any(
    r"""
    (?:first |originally |date |article )?(?:published|posted|updated|modified|created|issued|released|filed)(?: (?:on|at|date))?
    (?:last|latest) (?:updated?|modified|update|revised)(?: (?:on|at))?|publication date|date(?: of publication| published| posted)?|publish date
    (?:дата публикации|опубликовано|обновлено|дата|дата публікації|опубліковано|оновлено)(?: в)?
    (?:veröffentlicht|erstellt|aktualisiert)(?: am)?|stand|datum|publi[ée]e? le|mis(?:e)? à jour le|publicado(?: el| em)?|actualizado(?: el)?|atualizado(?: em)?|fecha
    pubblicato(?: il)?|aggiornato(?: il)?|opublikowano|data publikacji|gepubliceerd(?: op)?|bijgewerkt|yayınlanma(?: tarihi)?|güncelleme
    입력|등록|수정|게재|기사입력|発行|公開日?|更新日?|掲載|发布(?:时间|于)?|發布(?:時間|於)?|更新时间|日期|تاریخ انتشار|تاريخ النشر|نُشر في|نشر في
    """
)
UPDATED = re.compile(
    r"updat|modif|revis|обновл|оновл|aktualis|mis(?:e)? à jour|actualiz|atualiz|aggiorn|bijgew|güncel|수정|更新",
    re.IGNORECASE,
)

# A name is two to five capitalised words or initials, with particles between them.
_NAME = r"(?:[^\W\d_a-z][\w.'’-]{0,30})(?: (?:[^\W\d_a-z][\w.'’-]{0,30}|de|da|del|della|di|von|van|der|den|bin|ibn|al-?|el|la|le|ter|ten)){1,5}"
BYLINE = re.compile(
    rf"(?:[Bb][Yy]|[Ww]ritten [Bb]y|[Aa]uthor:|[Vv]on|[Pp]ar|[Pp]or|Автор[ы]?:|[Dd]i|[Dd]oor)\s+(?P<names>{_NAME}(?:(?:, | and | & | und | et | y | и | e |, and ){_NAME}){{0,4}})"
    rf"(?:,? (?:\||[-–—]) [\w .,'’&-]{{2,60}}|, [\w .'’&-]{{2,60}})?"
)
CREDITS = re.compile(
    r"\(?(?:additional |with )?reporting by [^()]{3,300}(?:editing|writing|compiled) by [^()]{3,120}\)?\.?",
    re.IGNORECASE,
)

# Sentences that a publisher speaks to its readers; all sentences of a line must be such, in any mixture.
_OPENING = r"(?:(?:please|kindly|and|or|so|then|android users|iphone users|ios users|readers|just|to do so|if you can|today|now)[,:]? ){0,3}"
PROMPTS: tuple[tuple[CutKind, re.Pattern[str]], ...] = (
    (
        CutKind.DONATION,
        _any(
            rf"""
            {_OPENING}(?:consider )?(?:help(?:ing)?(?: us| to)? )?support(?:ing)? (?:the |our |us\b|this |my |independent |quality |local ).{{0,120}}?(?:donat|contribut|patreon|paypal|ko-?fi|journalis[mt]|newsroom|reporting|click|subscri|member|today|work\b|cause\b).{{0,80}}
            {_OPENING}support us\b.{{0,60}}
            {_OPENING}(?:consider )?mak(?:e|ing) an? (?:small |one-time |one-off |tax-deductible |monthly |recurring |financial ){{0,3}}(?:donation|contribution|gift)\b.{{0,100}}
            {_OPENING}(?:consider )?donat(?:e|ing)(?: (?:now|today|here|online|to (?:us|our|the)|via|via|by|a coffee|with|if|and).{{0,80}})?
            {_OPENING}(?:become|join (?:us )?as) (?:a |an |our )(?:[\w-]+ ){{0,3}}?(?:member|patron|supporter|paying subscriber|donor|friend)\b.{{0,80}}
            {_OPENING}buy (?:me|us) a (?:coffee|beer).{{0,60}}
            your (?:generous |continued |financial ){{0,2}}(?:support|donations?|contributions?|gift) (?:helps?|makes?|keeps?|allows?|enables?|matters?|means?|funds?|will).{{0,140}}
            we (?:rely|depend) (?:entirely |solely |only )?on (?:our )?(?:readers|your|donations|the (?:support|generosity)|people like you).{{0,120}}
            if (?:you|everyone) (?:like|liked|enjoy|enjoyed|value|found|appreciate|reading|who reads).{{0,120}}(?:donat|support us|support our|contribut|buy us|buy me|member).{{0,80}}
            every (?:contribution|donation|dollar|pound|euro)\b.{{0,60}}(?:counts|helps|matters|makes a difference).{{0,20}}
            поддерж(?:ите|ать|и) (?:нас|наш\w*|редакцию|проект|издание|независим\w+).{{0,100}}|сделайте пожертвование.{{0,80}}|підтрима(?:йте|ти) (?:нас|наш\w*).{{0,80}}
            unterstützen sie (?:uns|unser\w*|unabhängig\w+).{{0,100}}|(?:jetzt )?spenden(?: sie)?.{{0,60}}|helfen sie uns .{{0,80}}spende.{{0,60}}
            (?:faites|faire) un don.{{0,80}}|soutenez(?:-nous| notre| le).{{0,80}}|(?:haz|haga) una donación.{{0,80}}|apóyanos.{{0,60}}|apoya(?:e)? (?:nuestro|o nosso).{{0,80}}
            fai una donazione.{{0,80}}|sostieni(?:ci)? .{{0,80}}|apoie .{{0,80}}jornalismo.{{0,40}}|wesprzyj nas.{{0,80}}|후원하기|후원해.{{0,40}}
            """
        ),
    ),
    (
        CutKind.SUBSCRIPTION,
        _any(
            rf"""
            {_OPENING}(?:you can )?(?:sign|signing) up (?:here |now |today |below )?(?:for|to) .{{0,100}}?(?:newsletters?|e-?mails?|alerts?|updates|briefings?|mailing list|digest|notifications|inbox)\b.{{0,80}}
            {_OPENING}(?:click here to |you can )?subscribe(?: (?:here|now|today|for free|below|to|for|on|via|and)\b.{{0,120}})?
            {_OPENING}(?:you can )?(?:also )?(?:follow|like|join|find|add|connect with|check out) (?:us|me|our [\w ]{{2,30}}|@\w+|the [\w'’ .-]{{2,40}}|[\w'’ .-]{{2,40}}) on (?:the )?(?:our )?{NETWORKS}\b.{{0,100}}
            {_OPENING}(?:get|receive|have) (?:the |all the |all |our |your |breaking |latest |daily |weekly |top |more |free |best ){{1,5}}.{{0,80}}?(?:inbox|e-?mail|newsletter|delivered|on your phone|notifications).{{0,60}}
            {_OPENING}(?:click (?:here )?to )?(?:download|get|install|try) (?:the|our) (?:[\w'’-]+ ){{0,5}}?apps?\b.{{0,100}}
            {_OPENING}(?:stay|keep) (?:up[- ]to[- ]date|informed|updated|connected|tuned|ahead|in the know)\b.{{0,100}}(?:newsletter|subscrib|follow|sign|app\b|channel|e-?mail).{{0,60}}
            {_OPENING}join our (?:[\w-]+ ){{0,4}}?(?:channels?|groups?|community|mailing list|newsletter|readers)\b.{{0,80}}
            {_OPENING}(?:enter|leave|provide|submit) your e-?mail.{{0,100}}|by (?:signing up|subscribing|clicking|entering|submitting).{{0,40}}you (?:agree|accept|consent|acknowledge|will).{{0,160}}
            (?:view|read|open|see) (?:this |the |our )?(?:e-?mail|message|newsletter|version|it)? ?(?:online|(?:in|with) (?:your |a |the )?(?:web )?browser)|unsubscribe(?: (?:here|now|from .{{0,60}}))?
            (?:manage|update|change) (?:your )?(?:e-?mail )?(?:subscriptions?|(?:e-?mail )?preferences)|you(?:'|’)?(?:re| are) receiving this (?:e-?mail|message|newsletter) because .{{0,120}}
            you (?:can|may) unsubscribe .{{0,60}}|already a (?:subscriber|member)\b.{{0,60}}|(?:log|sign) in(?: to (?:continue|read).{{0,40}})?|not a subscriber.{{0,60}}
            (?:this|the full) (?:article|story|content|post|page) is (?:only |exclusively |reserved )?(?:for|available (?:only )?(?:to|for)) (?:our )?(?:paid |paying |premium )?(?:subscribers|members).{{0,60}}
            thank(?:s| you) for (?:subscribing|signing up).{{0,60}}|(?:want|would you like) (?:more|to (?:get|receive|read)).{{0,80}}(?:newsletter|inbox|e-?mail|subscribe).{{0,60}}
            подпи(?:шитесь|сывайтесь|сывайся|шись)\b.{{0,140}}|підпи(?:шіться|суйтеся|суйтесь)\b.{{0,140}}|(?:читайте|следите за) нам?и? .{{0,30}}(?:telegram|телеграм|вконтакте|дзен).{{0,60}}
            abonnieren sie .{{0,120}}|(?:jetzt )?newsletter (?:abonnieren|bestellen).{{0,60}}|(?:jetzt )?kostenlos (?:anmelden|abonnieren).{{0,60}}|folgen sie (?:uns|dem|der) .{{0,80}}
            abonnez[- ]vous.{{0,120}}|inscrivez[- ]vous .{{0,120}}|suivez[- ](?:nous|l[e']).{{0,100}}|recevez .{{0,80}}(?:newsletter|e-?mail|boîte).{{0,40}}
            suscr[ií]b(?:ete|ase|anse).{{0,120}}|s[ií]gu(?:enos|anos|e a) .{{0,40}}{NETWORKS}\b.{{0,60}}|recib[ea] .{{0,80}}(?:newsletter|bolet[ií]n|correo).{{0,60}}
            iscriviti .{{0,120}}|seguici .{{0,100}}|inscreva-se.{{0,120}}|siga-nos.{{0,80}}|assine (?:a |o |nossa |já|agora).{{0,100}}|zapisz się .{{0,100}}|obserwuj nas.{{0,80}}
            abone ol(?:un)?.{{0,80}}|bizi .{{0,40}}takip edin.{{0,40}}|(?:네이버|카카오|유튜브).{{0,40}}(?:구독|채널 추가).{{0,40}}|구독하기
            """
        ),
    ),
    (
        CutKind.SHARING,
        _any(
            rf"""
            {_OPENING}(?:share|tweet|e-?mail|print|pin|bookmark|save|send) this(?: (?:article|story|post|page|news|video|content))?(?: (?:on|via|to|with|by|as) .{{0,60}})?
            share(?: (?:article|story|post|on|via|to|with)\b.{{0,60}})?|share (?:the|your) (?:article|story|post|news|thoughts)(?: (?:on|via|with|below|in) .{{0,60}})?
            click to (?:share|e-?mail|print|tweet).{{0,100}}|copy (?:the )?link(?: to clipboard)?|link copied.{{0,20}}|opens in (?:a )?new (?:window|tab)
            (?:поделиться|поделитесь|поширити|teilen|partager|compartir|compartilhar|condividi|udostępnij|delen|paylaş|공유(?:하기)?|シェア(?:する)?|分享|شارك)(?: .{{0,60}})?
            """
        ),
    ),
    (
        CutKind.COOKIES,
        _any(
            r"""
            (?:we|this (?:web ?)?site|our (?:web ?)?sites?|this page|we and our (?:\d+ )?partners|our partners) (?:and our (?:\d+ )?partners )?(?:use|uses|store|stores|is using|are using)\b.{0,60}\bcookies\b.{0,240}
            (?:accept|reject|allow|manage|decline) (?:all |only |necessary |optional |essential ){0,2}cookies.{0,40}|cookies? (?:settings|policy|preferences|notice|consent)\.?
            by (?:continuing|using|clicking|browsing|visiting|accepting).{0,160}(?:cookies|privacy policy|terms (?:of|and)).{0,120}|manage (?:your )?(?:consent|privacy) ?(?:preferences|settings|choices)?
            (?:diese|unsere) (?:web)?(?:seite|site) (?:verwendet|nutzt|benutzt) cookies.{0,200}|wir (?:verwenden|nutzen|setzen) .{0,30}cookies.{0,200}
            (?:nous utilisons|ce site utilise) .{0,20}cookies.{0,200}|(?:utilizamos|usamos|este sitio (?:web )?(?:utiliza|usa)|este site (?:utiliza|usa)) .{0,20}cookies.{0,200}
            questo sito (?:utilizza|usa) .{0,20}cookie.{0,200}|(?:мы используем|(?:этот|наш) сайт использует) .{0,30}(?:cookies?|куки).{0,200}
            """
        ),
    ),
)

# Whole lines that stand around articles and say nothing.
FURNITURE = _any(
    r"""
    advertis(?:e)?ment(?: - .{0,40})?|advertising|sponsored(?: content)?|promoted|ad feedback|story continues below(?: advertisement)?|article continues (?:below|after).{0,40}|scroll (?:down )?(?:to|for) .{0,30}
    (?:skip|jump) to (?:main )?(?:content|navigation|article).{0,20}|(?:back|go|return) to (?:the )?(?:top|home(?:page)?)|home(?:page)?|menu|search|close|open|next|previous|next article|previous article|loading\W*
    (?:view|see|read|show|leave|post|add|load)? ?(?:all |the |a |more )?(?:\d{1,5} )?comments?(?: \(\d{1,5}\))?|\d[\d.,]{0,6}[km]? (?:comments?|shares?|views?|likes?|retweets?|reactions?|replies|reads)
    listen to (?:this|the) (?:article|story)(?: .{0,20})?|play (?:video|audio)|video player is loading.{0,20}|image (?:source|credit|caption)s?,?|getty images|view (?:gallery|image|photos?)|enlarge(?: image)?
    the post (?-i:[^a-z]).{1,300} (?:appeared first|first appeared|was first published) (?:on|at|in) (?-i:[^a-z]).{1,120}|this (?:post|article|story) (?:was )?(?:originally |first )?(?:appeared|published) (?:first )?(?:on|at) .{1,120}
    (?:©|\(c\)|copyright ©?) ?(?:\d{4}|[\w ]{2,40} \d{4}).{0,200}|all rights reserved\.?|our standards: .{1,80}|terms of (?:use|service)|privacy policy|contact us|about us|report (?:this|a) (?:ad|error|typo)
    реклама|комментарии(?: \(\d+\))?|anzeige|werbung|publicité|publicidad(?:e)?|pubblicità|reklama|광고|広告|广告|إعلان|무단\s?전재.{0,60}
    top stories|breaking news|tags?|topics?|filed under|categories|labels?|photo|photos|video|gallery|[*~_=—–·•#.… -]{1,200}
    """
)
