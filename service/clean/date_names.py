"""Names that dates are written with, in the languages of the news: months, weekdays, zones, fillers.

Month and weekday names follow the Unicode CLDR (wide and abbreviated, format and stand-alone) with spellings
that feeds use besides; all in the form of `fold`. Where two languages give one word to two months (Croatian
and Polish "listopad"), the one with more speakers keeps it.
"""

from __future__ import annotations

import re
import unicodedata
from types import MappingProxyType

_ACCENTS = re.compile("[\u0300-\u036f]")


def fold(text: str) -> str:
    """Text in the form of these tables: case folded, without Latin, Greek and Cyrillic accents, NFKC."""
    return unicodedata.normalize("NFKC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold())))


def _numbered(lines: str, first: int) -> MappingProxyType[str, int]:
    rows = [row.split() for row in lines.strip().split(";")]
    return MappingProxyType({name: number for number, row in enumerate(rows, first) for name in row})


MONTHS = _numbered(
    """
    ene enero gen gener gennaio ian ianuarie jaan jaanuar jan janeiro janner januar januara januari
    january janv janvaris janvier led leden ledna oca ocak saus sausio sausis sij sijecanj sijecnja sty
    styczen stycznia tammi tammikuu tammikuuta yan yanvar ιαν ιανουαριοσ ιανουαριου сту студзень
    студзеня січ січень січня янв январь января яну януари јан јануар јануари ינואר ינו׳ يناير ژانویه
    ژانویهٔ जनवरी जन॰ มกราคม มค;
    feb febbraio feber febr febrer febrero februar februara februari februarie februaris february fev
    fevereiro fevr fevral fevrier helmi helmikuu helmikuuta lut lutego luty sub subat uno unor unora vas
    vasario vasaris veebr veebruar velj veljaca veljace φεβ φεβρουαριοσ φεβρουαριου лют лютага лютии
    лютого люты феб фебруар фев февр февраль февраля февруари פברואר פבר׳ شباط فبراير فوریه فوریهٔ
    फ़रवरी फ़र॰ กพ กุมภาพันธ์;
    bre brezen brezna kov kovas kovo maalis maaliskuu maaliskuuta maart mac maerz mar marc marca march
    marcius marco marec maret mars mart martie marts marz marzec marzo mrt mrz ozu ozujak ozujka μαρ
    μαρτιοσ μαρτιου бер березень березня мар март марта сак сакавік сакавіка מרץ آذار مارس मार्च มีค
    มีนาคม;
    abr abril apr aprel april aprila aprile aprilie aprilis aprill avr avril bal balandis balandzio dub
    duben dubna huhti huhtikuu huhtikuuta kwi kwiecien kwietnia nis nisan tra travanj travnja απρ
    απριλιοσ απριλιου апр апрель апреля април квіт квітень квітня кра красавік красавіка אפריל אפר׳
    آوریل أبريل نيسان अप्रैल เมย เมษายน;
    geg geguze geguzes kve kveten kvetna mag maggio mai maig maijs maio maj maja majus may mayo mayıs
    mei svi svibanj svibnja touko toukokuu toukokuuta μαι μαιοσ μαιου маи мая мај трав травень травня
    מאי أيار مايو مه مهٔ मई พค พฤษภาคม;
    birz birzelio birzelis cerven cervna cvn cze czerwca czerwiec giu giugno haz haziran iun iunie iyn
    iyun juin jun juna june junho juni junij junijs junio junius juny juuni kesa kesakuu kesakuuta
    lipanj lipnja ιουν ιουνιοσ ιουνιου июн июнь июня черв червень червня чэр чэрвень чэрвеня юни јун
    јуни יוני حزيران يونيو ژوئن जून มิถุนายน มิย;
    cervence cervenec cvc heina heinakuu heinakuuta iul iulie iyl iyul juil juillet jul jula julai julho
    juli julij julijs julio juliol julius july juuli liep liepa liepos lip lipca lipiec lug luglio
    srpanj srpnja tem temmuz ιουλ ιουλιοσ ιουλιου июл июль июля лип липень липня ліп ліпень ліпеня юли
    јул јули יולי تموز يوليو ژوئیه ژوئیهٔ जुलाई जुल॰ กค กรกฎาคม;
    ag ago agost agosto agst agu agustos agustus aou aout aug august augusta augusti augusts augustus
    augusztus avg avgust avq avqust elo elokuu elokuuta kol kolovoz kolovoza ogo ogos rugp rugpjucio
    rugpjutis sie sierpien sierpnia srp srpen srpna αυγ αυγουστοσ αυγουστου авг август августа жні
    жнівень жніуня серп серпень серпня אוגוסט אוג׳ آب أغسطس اوت अगस्त अग॰ สค สิงหาคม;
    eyl eylul rugs rugsejis rugsejo ruj rujan rujna sen sentyabr sep sepbre sept septembar september
    septembra septembre septembrie septembris septiembre set setembre setembro setiembre sett settembre
    syys syyskuu syyskuuta szept szeptember wrz wrzesien wrzesnia zar zari σεπ σεπτεμβριοσ σεπτεμβριου
    вер верасень верасня вересень вересня сен сент сентябрь сентября сеп септембар септември ספטמבר ספט׳
    أيلول سبتمبر سپتامبر सितंबर सित॰ กย กันยายน;
    eki ekim loka lokakuu lokakuuta oct october octobre octombrie octubre okt oktobar oktober oktobra
    oktobris oktoober oktyabr ott ottobre out outubro paz pazdziernik pazdziernika rij rijen rijna spal
    spalio spalis οκτ οκτωβριοσ οκτωβριου жовт жовтень жовтня кас кастрычнік кастрычніка окт октобар
    октомври октябрь октября אוקטובר אוק׳ أكتوبر اکتبر अक्टूबर अक्टू॰ ตค ตุลาคม;
    kas kasım lapkr lapkricio lapkritis lis listopad listopada listopadu marras marraskuu marraskuuta
    noiembrie nov novembar november novembra novembre novembris novembro noviembre noy noyabr stu
    studeni studenoga νοε νοεμβριοσ νοεμβριου лист листопад листопада ліс лістапад лістапада нов
    новембар ное ноември ноя нояб ноябрь ноября נובמבר נוב׳ نوامبر نوفمبر नवंबर नव॰ พย พฤศจิกายน;
    ara aralık dec decembar december decembra decembre decembrie decembris dek dekabr des desember
    desembre dets detsember dez dezember dezembro dic dicbre dicembre diciembre dis disember gru grudnia
    grudzien gruod gruodis gruodzio joulu joulukuu joulukuuta pro prosinac prosinca prosince prosinec
    δεκ δεκεμβριοσ δεκεμβριου груд грудень грудня дек декабрь декабря декември дец децембар сне снежань
    снежня דצמבר דצמ׳ دسامبر ديسمبر दिसंबर दिस॰ ธค ธันวาคม
    """,
    first=1,
)

# 0 is Monday. Two letters are enough in some languages; a weekday only decides between 5/3 and 3/5.
WEEKDAYS = _numbered(
    """
    monday mon montag mo lundi lun lunes segunda seg lunedi maandag ma dilluns dl luni mandag man
    maanantaina maanantai poniedziałek pon pondeli po pondelok hetfo ponedjeljak понеделник пн
    понедельник понеділок δευτερα δευ pazartesi pzt senin sen الاثنين دوشنبه วันจันทร์ پیر;
    tuesday tue dienstag di mardi mar martes terca ter martedi dinsdag dimarts dt marti tisdag tis
    tirsdag tirs tir tiistaina ti tiistai wtorek wt utery ut utorok kedd utorak uto вторник вт вівторок
    τριτη τρι salı sal selasa sel الثلاثاء سه‌شنبه วันอังคาร منگل;
    wednesday wed mittwoch mi mercredi mer miercoles mie quarta qua mercoledi woensdag wo dimecres dc
    miercuri onsdag ons keskiviikkona ke keskiviikko sroda sr streda st szerda sze srijeda sri сряда ср
    среда середа τεταρτη τετ carsamba car rabu rab الأربعاء چهارشنبه วันพุธ بدھ;
    thursday thu donnerstag do jeudi jeu jueves jue quinta qui giovedi gio donderdag dijous dj joi
    torsdag tors tor torstaina to torstai czwartek czw ctvrtek ct stvrtok csutortok cs cetvrtak cet
    четвъртък чт четверг четвер πεμπτη πεμ persembe per kamis kam الخميس پنجشنبه วันพฤหัสบดี พฤ جمعرات;
    friday fri freitag fr vendredi ven viernes vie sexta sex venerdi vrijdag vr divendres dv vineri vin
    fredag fre perjantaina pe perjantai piatek pt patek pa piatok pi pentek petak pet петък пт пятница
    пʼятниця παρασκευη παρ cuma cum jumat jum الجمعة جمعه วันศุกร์ جمعہ;
    saturday sat samstag sa samedi sam sabado sab sabato zaterdag za dissabte ds sambata lordag lor
    lørdag lør lauantaina la lauantai sobota sob szombat szo subota sub събота сб суббота субота σαββατο
    σαβ cumartesi cmt sabtu السبت شنبه שבת วันเสาร์ ہفتہ;
    sunday sun sonntag so dimanche dim domingo dom domenica zondag zo diumenge dg duminica dum sondag
    son søndag søn sunnuntai su niedziela niedz nedele ne nedela vasarnap nedjelja ned неделя нд
    воскресенье вс неділя κυριακη κυρ pazar paz minggu min الأحد یکشنبه วันอาทิตย์ อา اتوار
    """,
    first=0,
)

# Words that stand between the numbers of a date and mean nothing by themselves.
_FILLERS = """
    a al alas am as at av de del den der dia d do el em en il kl klo la las le les los o of on om os ore
    the to u um uhr ur v w dne den dnia r rok roku ob год года г гг р року в о од hod h hrs hr dated
    ngay nam luc gio this et t y i e של في من بتاريخ วันที่ เวลา น พศ
"""
FILLERS = frozenset(_FILLERS.split())

# Hours and minutes east of UTC. Where a name means several zones, the one that news feeds use it for.
_ZONES = """
    0 utc gmt ut z wet uct zulu; +1 bst cet met mez wat west; +2 cest eet sast cat mesz mest;
    +3 msk eest eat trt idt fet; +3:30 irst; +4 msd gst samt azt; +4:30 irdt aft; +5 pkt yekt uzt tmt mvt;
    +5:30 ist slst; +5:45 npt; +6 bdt omst almt btt; +6:30 mmt; +7 ict wib novt krat hovt;
    +8 hkt sgt pht myt awst irkt wita ulat; +9 kst jst wit yakt; +9:30 acst; +10 aest vlat chst pgt;
    +10:30 acdt; +11 aedt magt sakt; +12 nzst pett fjt; +13 nzdt phot; -1 azot cvt; -2 brst; -2:30 ndt;
    -3 brt art uyt clst adt pmst gft; -3:30 nst; -4 ast edt clt vet bot amt; -5 est cdt cot pet ect;
    -6 cst mdt galt; -7 mst pdt; -8 pst akdt; -9 akst hdt; -10 hst; -11 sst
"""


def _zones() -> MappingProxyType[str, int]:
    found = {}
    for group in _ZONES.strip().split(";"):
        offset, *names = group.split()
        hours, _, minutes = offset.lstrip("+-").partition(":")
        seconds = (int(hours) * 60 + int(minutes or 0)) * (-60 if offset.startswith("-") else 60)
        found.update(dict.fromkeys(names, seconds))
    return MappingProxyType(found)


ZONES = _zones()  # name in lower case → seconds east of UTC

# Zones that only a place's rules can tell, and how they are written.
PLACES = MappingProxyType(
    {
        "et": "America/New_York",
        "eastern": "America/New_York",
        "ct": "America/Chicago",
        "central": "America/Chicago",
        "mt": "America/Denver",
        "mountain": "America/Denver",
        "pt": "America/Los_Angeles",
        "pacific": "America/Los_Angeles",
    }
)

_LABELS = """
    date; dated; published; published on; published at; published date; date published; first published;
    first published on; originally published; publication date; published online; publish date; pub date;
    posted; posted on; posted at; posted date; date posted; issued; issued on; release date; released;
    released on; for release; updated; updated on; updated at; last updated; last updated on; last update;
    last modified; modified; modified on; date updated; created; created on; uploaded; added on; as of;
    veröffentlicht; veröffentlicht am; erschienen am; stand; aktualisiert; aktualisiert am; datum;
    publiziert am; zuletzt aktualisiert; zuletzt aktualisiert am; letzte aktualisierung;
    publié; publié le; publié à; mis à jour le; mis en ligne le; date de publication; modifié le; paru le;
    publicado; publicado el; publicado en; fecha; fecha de publicación; actualizado; actualizado el;
    última actualización; publicado em; publicado a; atualizado em; atualizado; data; data de publicação;
    pubblicato; pubblicato il; aggiornato il; aggiornato; ultimo aggiornamento; data di pubblicazione;
    gepubliceerd op; gepubliceerd; geplaatst op; bijgewerkt op; laatst bijgewerkt;
    publicerad; publicerat; uppdaterad; publisert; oppdatert; offentliggjort; opdateret; udgivet; julkaistu;
    päivitetty; opublikowano; data publikacji; zaktualizowano; aktualizacja; publikováno; aktualizováno;
    publikované; közzétéve; frissítve; publicat; publicat la; actualizat; yayınlanma tarihi; yayın tarihi;
    tarih; güncelleme; son güncelleme; δημοσιεύτηκε; δημοσίευση; ενημερώθηκε;
    опубликовано; дата публикации; дата; обновлено; размещено; опубліковано; дата публікації; оновлено;
    публикувано; публикувана на; објављено; diterbitkan; dipublikasikan; ngày đăng; cập nhật; đăng ngày;
    نشر; نشر في; تاريخ النشر; آخر تحديث; تاريخ انتشار; פורסם; עודכן;
    입력; 수정; 등록; 게시일; 승인; 발행일; 기사입력; 최종수정; 발표일;
    发布时间; 发布日期; 发布; 更新时间; 更新; 发表于; 日期; 發布時間; 發佈時間;
    更新時間; 公開日; 公開; 更新日; 掲載日; 投稿日
"""
# What stands before a date in a line of its own, in the form of `fold`.
DATE_LABELS = frozenset(fold(" ".join(label.split())) for label in _LABELS.split(";"))
