"""The 18 insurers of the source screen, as data.

Marks follow domain/pensions.md section 9: CONFIRMED was read in the named publication, UNVERIFIED
is general knowledge, DESIGN is our decision. No insurer publishes its interface, so the choice of
dialect, batch sizes and settle times are DESIGN: dated, replaceable facts of a faithful simulator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from kernel.text import matching_key
from pensions.domain.provider import (
    CredentialDelivery,
    DatedName,
    Dialect,
    LocalizedText,
    Provider,
)

_SMS: Final = CredentialDelivery.SMS
_EMAIL: Final = CredentialDelivery.EMAIL
_SCREEN: Final = CredentialDelivery.SCREEN

# CONFIRMED: DES document, "SMS, e-Posta veya bir ekrandan alacağınız … bilgiler".
_HELP_ANY_WAY: Final = LocalizedText(
    tr=(
        "Web servis kullanıcı adı ve parolası, sözleşmenin imzalanmasından sonra sigorta şirketi "
        "tarafından SMS, e-posta veya şirketin kendi ekranından verilir. Elinizde yoksa "
        "sözleşmedeki yetkili kişi sigorta şirketini aramalıdır; Köprü parola veremez."
    ),
    el=(
        "Το όνομα χρήστη και ο κωδικός της υπηρεσίας web δίνονται από την ασφαλιστική μετά την "
        "υπογραφή της σύμβασης, με SMS, με e-mail ή από δική της οθόνη. Αν δεν τα έχετε, ο "
        "εξουσιοδοτημένος της σύμβασης επικοινωνεί με την ασφαλιστική· το Köprü δεν εκδίδει "
        "κωδικούς."
    ),
    en=(
        "The insurer issues the web-service user name and password after the contract is signed, "
        "by SMS, by e-mail or on a screen of its own. If you do not have them, the authorised "
        "person named in the contract asks the insurer; Köprü cannot issue passwords."
    ),
)
# CONFIRMED: DES document, section 10.a.
_HELP_ANADOLU: Final = LocalizedText(
    tr=(
        "Kullanıcı adı ve parola, sözleşmede adı geçen yetkili kişinin cep telefonuna SMS ile "
        "gönderilir. Sorun olursa personel ve ödemeler, giriş bilgisi e-posta ile gelen Anadolu "
        "Hayat Emeklilik ekranlarından da yüklenebilir."
    ),
    el=(
        "Το όνομα χρήστη και ο κωδικός στέλνονται με SMS στο κινητό του εξουσιοδοτημένου που "
        "αναφέρει η σύμβαση. Σε περίπτωση προβλήματος, προσωπικό και πληρωμές ανεβαίνουν και από "
        "τις οθόνες της Anadolu Hayat Emeklilik, με στοιχεία εισόδου που έρχονται με e-mail."
    ),
    en=(
        "User name and password are sent by SMS to the mobile phone of the authorised person "
        "named in the contract. If something fails, staff and payments can also be uploaded on "
        "Anadolu Hayat Emeklilik's own screens; their log-in arrives by e-mail."
    ),
)
# CONFIRMED: DES document, section 10.b.
_HELP_AVIVASA: Final = LocalizedText(
    tr=(
        "Kullanıcı adı ve parola, sözleşmede yetkili olarak belirtilen kişinin cep telefonuna "
        "SMS ile gönderilir. Sorun olursa aynı bilgilerle Bi Tıkla ekranından personel ve ödeme "
        "yüklenebilir."
    ),
    el=(
        "Το όνομα χρήστη και ο κωδικός στέλνονται με SMS στο κινητό του εξουσιοδοτημένου που "
        "αναφέρει η σύμβαση. Σε περίπτωση προβλήματος, με τα ίδια στοιχεία ανεβάζετε προσωπικό "
        "και πληρωμές στο Bi Tıkla."
    ),
    en=(
        "User name and password are sent by SMS to the mobile phone of the person named as "
        "authorised in the contract. If something fails, the same credentials open Bi Tıkla, "
        "where staff and payments can be uploaded."
    ),
)
# CONFIRMED: DES document, section 10.c.
_HELP_NN: Final = LocalizedText(
    tr=(
        "Kullanıcı adı, sözleşmedeki yetkili kişinin e-posta adresine; şifre cep telefonuna SMS "
        "ile gönderilir. Web servis şifresi, NN Hayat Emeklilik sistemine giriş yapılarak da "
        "istenebilir; personel ve ödemeler aynı ekranlardan yüklenebilir."
    ),
    el=(
        "Το όνομα χρήστη στέλνεται στο e-mail του εξουσιοδοτημένου της σύμβασης και ο κωδικός με "
        "SMS στο κινητό του. Κωδικό υπηρεσίας web ζητάτε και μέσα από το σύστημα της NN Hayat "
        "Emeklilik· από εκεί ανεβαίνουν επίσης προσωπικό και πληρωμές."
    ),
    en=(
        "The user name goes to the e-mail address, the password by SMS to the mobile phone of the "
        "authorised person named in the contract. A web-service password can also be requested "
        "inside NN Hayat Emeklilik's own system, where staff and payments can be uploaded too."
    ),
)


@dataclass(frozen=True, slots=True)
class Successor:
    """A company that took over insurers of the list without being on it."""

    code: str
    name: str


# UNVERIFIED: the merger of the state insurers (plan CONFIRMED: TSB newsletter), 2020.
SUCCESSORS: Final[Mapping[str, Successor]] = MappingProxyType(
    {"turkiye_hayat": Successor("turkiye_hayat", "Türkiye Hayat ve Emeklilik")}
)


def _batch(
    code: str,
    *names: DatedName,
    batch_size: int = 100,
    settle_seconds: int = 30,
    max_concurrency: int = 2,
    aliases: tuple[str, ...] = (),
    delivery: frozenset[CredentialDelivery] = frozenset({_SMS, _EMAIL, _SCREEN}),
    credential_help: LocalizedText = _HELP_ANY_WAY,
    fallback_portal: str | None = None,
) -> Provider:
    """An insurer that speaks ``usernametoken_batch``."""
    return Provider(
        code=code,
        names=names,
        dialect=Dialect.USERNAMETOKEN_BATCH,
        credential_delivery=delivery,
        credential_help=credential_help,
        deduplicates=True,
        queries_by_reference=True,
        queries_by_period=False,
        settle_seconds=settle_seconds,
        batch_size=batch_size,
        member_batch=100,
        max_concurrency=max_concurrency,
        echoes_line_keys=True,
        aliases=aliases,
        fallback_portal=fallback_portal,
    )


def _session(
    code: str,
    *names: DatedName,
    settle_seconds: int = 20,
    max_concurrency: int = 4,
    aliases: tuple[str, ...] = (),
    delivery: frozenset[CredentialDelivery] = frozenset({_SMS, _EMAIL, _SCREEN}),
    credential_help: LocalizedText = _HELP_ANY_WAY,
    fallback_portal: str | None = None,
) -> Provider:
    """An insurer that speaks ``session_single``: one line a call, by its nature."""
    return Provider(
        code=code,
        names=names,
        dialect=Dialect.SESSION_SINGLE,
        credential_delivery=delivery,
        credential_help=credential_help,
        deduplicates=False,
        queries_by_reference=True,
        queries_by_period=False,
        settle_seconds=settle_seconds,
        batch_size=1,
        member_batch=20,
        max_concurrency=max_concurrency,
        echoes_line_keys=True,
        aliases=aliases,
        fallback_portal=fallback_portal,
    )


def _period(
    code: str,
    *names: DatedName,
    batch_size: int = 100,
    settle_seconds: int = 60,
    max_concurrency: int = 2,
    aliases: tuple[str, ...] = (),
    delivery: frozenset[CredentialDelivery] = frozenset({_SMS, _EMAIL, _SCREEN}),
    credential_help: LocalizedText = _HELP_ANY_WAY,
    successor_code: str | None = None,
    fallback_portal: str | None = None,
) -> Provider:
    """An insurer that speaks ``period_async``."""
    return Provider(
        code=code,
        names=names,
        dialect=Dialect.PERIOD_ASYNC,
        credential_delivery=delivery,
        credential_help=credential_help,
        deduplicates=False,
        queries_by_reference=False,
        queries_by_period=True,
        settle_seconds=settle_seconds,
        batch_size=batch_size,
        member_batch=100,
        max_concurrency=max_concurrency,
        echoes_line_keys=False,
        aliases=aliases,
        successor_code=successor_code,
        fallback_portal=fallback_portal,
    )


_ALL: Final = (
    _period(
        "aegon",
        DatedName("AEGON Emeklilik Hayat"),
        # Sold to VIG, deal of November 2020, CONFIRMED: Reuters; the name itself is UNVERIFIED.
        DatedName("Viennalife Emeklilik ve Hayat"),
        aliases=("Aegon", "Aegon Emeklilik ve Hayat", "Viennalife"),
    ),
    _batch(
        "allianz_hayat",
        # Listed in 2018; merged into the other Allianz company later: UNVERIFIED.
        DatedName("ALLIANZ Hayat ve Emeklilik A.Ş."),
        aliases=("Allianz Hayat",),
    ),
    _batch(
        "allianz_yasam",
        # Still listed in a 2020 profile, CONFIRMED: IGP profile.
        DatedName("ALLIANZ Yaşam ve Emeklilik A.Ş."),
        aliases=("Allianz Yaşam",),
    ),
    _batch(
        "anadolu",
        DatedName("ANADOLU Hayat Emeklilik"),  # same name today, CONFIRMED: Anadolu Hayat
        max_concurrency=3,
        aliases=("Anadolu Hayat", "Anadolu"),
        delivery=frozenset({_SMS}),
        credential_help=_HELP_ANADOLU,
        fallback_portal="Anadolu Hayat Emeklilik",
    ),
    _session(
        "avivasa",
        DatedName("AVIVASA Emeklilik ve Hayat", valid_to=date(2021, 1, 31)),
        # Aviva sold 40 % to Ageas in February 2021, CONFIRMED: AssiNews; name CONFIRMED: AgeSA;
        # the first of that month as its first day is DESIGN.
        DatedName("AgeSA Hayat ve Emeklilik", valid_from=date(2021, 2, 1)),
        aliases=("Avivasa", "AgeSA"),
        delivery=frozenset({_SMS}),
        credential_help=_HELP_AVIVASA,
        fallback_portal="Bi Tıkla",
    ),
    _batch(
        "axa",
        DatedName("AXA Hayat Emeklilik"),
        DatedName("AXA Hayat ve Emeklilik"),  # active OKS pages, CONFIRMED: AXA
        batch_size=50,
        aliases=("AXA", "AXA Hayat"),
    ),
    _session(
        "bereket",
        DatedName("BEREKET Emeklilik"),  # OKS page CONFIRMED: Bereket; status UNVERIFIED
        aliases=("Bereket", "Bereket Emeklilik ve Hayat"),
    ),
    _session(
        "bnp_cardif",
        DatedName("BNP PARIBAS CARDIF Emeklilik"),  # same today: UNVERIFIED
        aliases=("BNP Paribas Cardif", "Cardif", "BNP Cardif"),
    ),
    _session(
        "cigna_finans",
        DatedName("CIGNA Finans Emeklilik"),
        DatedName("Cigna Sağlık Hayat ve Emeklilik"),  # UNVERIFIED
        DatedName("QNB Sağlık Hayat Sigorta ve Emeklilik"),  # UNVERIFIED
        aliases=("Cigna Finans", "Cigna Finans Emeklilik ve Hayat", "Cigna", "QNB Sigorta"),
    ),
    _session(
        "fiba",
        DatedName("FIBA Emeklilik"),
        DatedName("HDI Fiba Emeklilik ve Hayat"),  # CONFIRMED: HDI Fiba
        aliases=("Fiba", "Fiba Emeklilik ve Hayat", "HDI Fiba"),
    ),
    _batch(
        "garanti",
        DatedName("GARANTİ Emeklilik"),
        DatedName("Garanti BBVA Emeklilik"),  # CONFIRMED: Garanti BBVA
        max_concurrency=3,
        aliases=("Garanti", "Garanti BBVA", "Garanti Emeklilik ve Hayat"),
    ),
    _period(
        "groupama",
        DatedName("GRUPAMA Emeklilik"),  # so spelled on the screen
        DatedName("Groupama Hayat"),  # BES portfolio left or transferred: UNVERIFIED
        aliases=("Groupama", "Groupama Emeklilik", "Grupama"),
    ),
    _period(
        "halk",
        DatedName("HALK Emeklilik"),
        aliases=("Halk", "Halk Hayat ve Emeklilik"),
        successor_code="turkiye_hayat",  # UNVERIFIED
    ),
    _period(
        "katilim",
        DatedName("KATILIM Emeklilik"),
        DatedName("Katılım Emeklilik ve Hayat"),  # CONFIRMED: Katılım Emeklilik
        aliases=("Katılım",),
    ),
    _batch(
        "metlife",
        DatedName("METLIFE"),
        DatedName("MetLife Emeklilik ve Hayat"),  # UNVERIFIED
        aliases=("MetLife Emeklilik",),
    ),
    _period(
        "nn",
        DatedName("NN Hayat"),
        # The contract screen of the same document already shows this form with "A.Ş."; site
        # content after May 2021 CONFIRMED: NN; a later sale UNVERIFIED.
        DatedName("NN Hayat ve Emeklilik"),
        aliases=("NN", "NN Hayat Emeklilik"),
        delivery=frozenset({_EMAIL, _SMS, _SCREEN}),
        credential_help=_HELP_NN,
        fallback_portal="NN Hayat ve Emeklilik",
    ),
    _period(
        "vakif",
        DatedName("VAKIF Emeklilik"),  # below the visible part of the list
        aliases=("Vakıf", "Vakıf Emeklilik ve Hayat"),
        successor_code="turkiye_hayat",  # UNVERIFIED
    ),
    _period(
        "ziraat",
        DatedName("ZİRAAT Emeklilik"),  # below the visible part of the list
        aliases=("Ziraat", "Ziraat Hayat ve Emeklilik"),
        successor_code="turkiye_hayat",  # UNVERIFIED
    ),
)

PROVIDERS: Final[Mapping[str, Provider]] = MappingProxyType({item.code: item for item in _ALL})
"""Every insurer by its code, in the order of the source screen."""

_BY_NAME: Final[Mapping[str, str]] = MappingProxyType(
    {
        matching_key(name): item.code
        for item in _ALL
        for name in (
            item.code,
            *(dated.name for dated in item.names),
            *item.aliases,
        )
    }
)


def find_provider(name: str) -> Provider | None:
    """The insurer of a code, a name of any time or an alias, in any Turkish casing.

    A name that fits several insurers ("Allianz") finds none: an import asks instead of guessing.
    """
    code = _BY_NAME.get(matching_key(name))
    return None if code is None else PROVIDERS[code]
