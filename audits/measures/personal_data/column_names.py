"""What the name of a column says about what it holds, in several languages."""

from __future__ import annotations

import re
import unicodedata

_SAYS: dict[str, str] = {
    "email": r"e_?mails?|mail|courriel|correo|mejl|电子邮件|邮箱|邮件|メール|이메일",
    "phone": r"(?:tele)?phones?|phone_?(?:no|number|num)|tel|telefono?|telefone|telephone|telefon(?:nummer)?|mobiles?|mobile_?(?:no|number)"
    r"|cell(?:phone|ular)?|handy(?:nummer)?|movil|celular|portable|fax|msisdn|whatsapp|gsm|puhelin|手机号?码?|电话|联系方式|座机|電話|携帯|전화|휴대폰",
    "credit_card": r"(?:credit|debit|payment|bank)_?cards?|card_?(?:no|number|num|pan)|cc_?(?:no|num|number)|pan|kreditkarte|carte_bancaire"
    r"|tarjeta|银行卡|信用卡|卡号|カード番号",
    "iban": r"iban|bank_?accounts?|account_?(?:no|number)|kontonummer|compte_bancaire|银行账[号户]|银行帐[号户]",
    "us_ssn": r"ssn|social_?security(?:_?(?:no|num|number))?|soc_sec|socsec",
    "cn_resident_id": r"身份证号?码?|公民身份号码|证件号码?|居民身份证|sfz(?:h|hm)?|id_?card(?:_?(?:no|num|number))?|resident_?id|shenfenzheng",
    "cn_uscc": r"uscc|统一社会信用代码|社会信用代码|信用代码|unified_?social_?credit(?:_?(?:code|id|identifier))?|credit_?code",
    "ip_address": r"ip|ips|ip_?addr(?:ess)?|ipv[46]|client_?ip|remote_?(?:addr|ip|host)|source_?ip|(?:src|dst)_?ip|x_forwarded_for|adresse_ip",
    "mac_address": r"mac|mac_?addr(?:ess)?|hw_?addr(?:ess)?|bssid|ethernet",
    "url": r"urls?|uri|links?|web_?site|homepage|webseite|referr?er|href|网址|链接",
    "geo_coordinate": r"lat(?:itude)?|lng|lon|long|longitude|geo|geo_?(?:loc|location|point|coordinates?)|coords?|coordinates?|gps|lat_?l(?:on|ng)"
    r"|latlong|koordinaten|经度|纬度|经纬度|坐标",
    "date_of_birth": r"dob|d_o_b|birth_?(?:date|day|dt)?|date_?of_?birth|born(?:_?on)?|birthdate|birthday|geburts(?:datum|tag)|geb_?datum"
    r"|date_?(?:de_?)?naissance|naissance|fecha_?(?:de_?)?nacimiento|nacimiento|data_?(?:di_?)?nascita|nascita|data_?(?:de_?)?nascimento"
    r"|geboortedatum|fodelsedatum|data_?urodzenia|syntymaaika|出生日期|出生年月日?|生日|生年月日|생년월일",
    "person_name": r"names?|full_?name|first_?names?|last_?names?|middle_?name|given_?names?|family_?name|sur_?names?|forenames?|maiden_?name"
    r"|person_?name|customer_?name|client_?name|user_?full_?name|contact_?name|patient_?name|employee_?name|applicant_?name|borrower_?name"
    r"|holder_?name|card_?holder(?:_?name)?|vorname|nachname|familienname|nom|prenom|nombre|apellidos?|nome|cognome|sobrenome|voornaam|achternaam"
    r"|imie|nazwisko|fornamn|efternamn|etunimi|sukunimi|姓名|名字|姓氏|联系人|客户姓名|用户姓名|真实姓名|氏名|名前|이름|성명",
    "postal_address": r"addr(?:ess)?(?:_?(?:line)?_?[123])?|street(?:_?(?:address|name))?|(?:home|work|postal|mailing|billing|shipping|residential|delivery)_?addr(?:ess)?"
    r"|anschrift|adresse|strasse|direccion|domicilio|indirizzo|endereco|adres|ulica|osoite|地址|住址|详细地址|家庭住址|收货地址|住所|주소",
    "national_id": r"national_?(?:id|insurance)(?:_?(?:no|number))?|nat_?id|nin|nino|ni_?(?:no|number)|nhs(?:_?(?:no|num|number))?|bsn|pesel|nif|nie|dni|nir"
    r"|insee|numero_?secu(?:rite)?|codice_?fiscale|personnummer|personnr|fodselsnummer|cpr(?:_?(?:nr|no))?|hetu|henkilotunnus|oib|emso|jmbg|cnp|egn|amka"
    r"|rodne_?cislo|rc|ik|isikukood|asmens_?kodas|personas_?kods|pps(?:n)?|steuer_?(?:id|nummer)|idnr|tin|itin|tax_?(?:id|number|no)|vnr|svnr|ahv"
    r"|rijksregisternummer|nn|niss|personal_?(?:id|code|number)(?:_?(?:no|number))?|id_?number|identity_?(?:no|number)",
    "passport": r"passports?(?:_?(?:no|num|number|id))?|pass_?(?:nr|nummer)|reisepass(?:nummer)?|passeport|pasaporte|passaporto|护照号?码?|パスポート",
    "secret": r"pass(?:word|wd|phrase|code)?s?|pwd|secrets?|(?:api|access|secret|private|auth|signing|encryption)_?(?:key|token|secret)s?|tokens?"
    r"|credentials?|client_?secret|passwort|kennwort|mot_?de_?passe|contrasena|senha|wachtwoord|haslo|密码|口令|密钥|令牌",
}  # fmt: skip
"""Entity to the words that stand for it: the whole name, or its last words, or its first ones."""

_NOT_A_PERSON = (
    r"(?:product|company|file|host|user|domain|brand|column|table|store|shop|city|country|state|street|event|model|school|bank|department|team|class"
    r"|category|type|group|role|project|campaign|item|feature|field|variable|species|branch|org|organi[sz]ation|business|merchant|vendor|app|service"
    r"|server|device|log_?in|nick|screen)_?names?|names?_?(?:id|space|type|code)|产品名称?|公司名称?|商品名称?|企业名称?|店铺名称?|名称"
)
_OTHERWISE = re.compile(
    r"(?:^|_)(?:orders?|invoices?|inv|sku|isbn|ean|gtin|upc|barcode|asin|versions?|ver|release|build|hash(?:es)?|sha\d*|md5|checksum|etag|uuid|guid"
    r"|timestamp|epoch|ts|created|updated|modified|amount|price|total|sum|qty|quantity|count|cnt|score|rank|index|idx|row|tracking|shipment|transaction"
    r"|txn|trx|product|serial|batch|lot|reference|ref|revenue|balance|income|salary|loan|订单|单号|编号|流水|金额|版本|时间戳|数量)(?:_|$|s$)"
    r"|订单|单号|流水|金额|版本|时间戳|数量"
)
_COMPILED = {
    entity: re.compile(
        rf"(?:^|_)(?:{words})(?:_?\d+)?(?:$|_(?:hash|id|no|number|num|nr|value|text|raw|str|string|col|address|addr|deg|degrees|wgs84)$)"
    )
    for entity, words in _SAYS.items()
}
_CJK = {
    entity: re.compile(
        "|".join(word for word in re.split(r"\|", words) if re.search("[\u3040-\u9fff\uac00-\ud7af]", word)) or r"(?!)"
    )
    for entity, words in _SAYS.items()
}
_IMPERSONAL = re.compile(rf"(?:^|_)(?:{_NOT_A_PERSON})(?:$|_)")
_IMPERSONAL_CJK = re.compile("产品|公司|商品|企业|店铺|单位|项目|城市|学校|文件|银行名")


def normalised(name: str) -> str:
    """``HomePhone No.`` as ``home_phone_no``: no accents, lower case, words joined by underscores."""
    plain = unicodedata.normalize("NFKC", name)
    plain = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", plain)
    plain = (
        re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", plain).lower().replace("ß", "ss").replace("ø", "o").replace("ł", "l")
    )
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(letter))
    return re.sub(r"[\W_]+", "_", unicodedata.normalize("NFC", bare)).strip("_")


def named_entities(name: str) -> frozenset[str]:
    """The entities that a column's name speaks for."""
    plain = normalised(name)
    said = {entity for entity, words in _COMPILED.items() if words.search(plain) or _CJK[entity].search(plain)}
    if said & {"email", "ip_address", "mac_address", "url"}:
        said.discard("postal_address")
    if _IMPERSONAL.search(plain) or _IMPERSONAL_CJK.search(plain) or said - {"person_name"}:
        said.discard("person_name")
    if "geo_coordinate" in said and re.search(r"(?:^|_)(?:as_long|so_long|how_long|long_(?:text|desc|name))", plain):
        said.discard("geo_coordinate")
    return frozenset(said)


def speaks_against(name: str) -> bool:
    """Whether a column's name says that it holds something else: orders, amounts, versions, hashes, times."""
    return bool(_OTHERWISE.search(normalised(name))) and not named_entities(name)


def is_latitude(name: str) -> bool:
    """Whether the name says latitude."""
    return bool(re.search(r"(?:^|_)lat(?:itude)?(?:$|_)|纬度", normalised(name)))


def is_longitude(name: str) -> bool:
    """Whether the name says longitude."""
    return bool(re.search(r"(?:^|_)(?:lng|lon|long|longitude)(?:$|_)|经度", normalised(name)))


def is_vague(name: str) -> bool:
    """Whether the name says no more than that something is named: a person, a product, a town."""
    return normalised(name) in {"name", "names", "nom", "nome", "nombre", "naam", "namn", "navn"}
