"""What an insurer's refusal means, in three languages, with who must act and what may help.

Insurers speak in codes of their own. Each dialect has a table from the provider's code to ours;
what is not in it becomes ``unknown_code`` and goes to an operator, never to the trash. Texts are
plain words for payroll people; a suggestion is an offer, never applied by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from pensions.domain.outcome import Actor, FaultMeaning
from pensions.domain.provider import Dialect, Language, LocalizedText


class ErrorClass(StrEnum):
    """Classes of errors. Source: domain/pensions.md section 8."""

    PERSON_DATA = "person_data"
    """Identity number, phone, IBAN, name: payroll corrects, sends again (CONFIRMED: DES)."""
    COLLECTION = "collection"
    """*Tahsilat işlenememiştir*: an operator holds, solves and releases (CONFIRMED: DES)."""
    SYSTEM = "system"
    """Any other error: an operator holds until it is solved (CONFIRMED: DES)."""
    AUTH = "auth"
    UNKNOWN_OUTCOME = "unknown_outcome"
    LIFECYCLE = "lifecycle"


class Suggestion(StrEnum):
    """Which kind of correction the error workbench may offer."""

    CHECK_DIGITS = "check_digits"
    TURKISH_LETTERS = "turkish_letters"
    MOBILE_FORMAT = "mobile_format"
    IBAN_FORMAT = "iban_format"
    DATE_ORDER = "date_order"
    RAISE_RATE = "raise_rate"
    NEW_CREDENTIALS = "new_credentials"
    ASK_INSURER = "ask_insurer"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class ErrorEntry:
    """One of our codes.

    Shapes: ``field`` is the API name of the field to correct, or None; ``meaning`` says what is
    wrong, ``action`` what to do.
    """

    code: str
    error_class: ErrorClass
    actor: Actor
    meaning: LocalizedText
    action: LocalizedText
    field: str | None = None
    suggestion: Suggestion | None = None

    def sentence(self, language: Language) -> str:
        """Meaning and action in one text."""
        return f"{self.meaning.text(language)} {self.action.text(language)}"


def _t(tr: str, el: str, en: str) -> LocalizedText:
    return LocalizedText(tr=tr, el=el, en=en)


_CORRECT: Final = _t(
    "Bilgiyi düzeltip personeli yeniden gönderin.",
    "Διορθώστε το στοιχείο και στείλτε ξανά τον εργαζόμενο.",
    "Correct it and send the person again.",
)
_OPERATOR: Final = _t(
    "Köprü operatörü sigorta şirketiyle çözer; çözülünce satırlar kendiliğinden serbest kalır.",
    "Ο χειριστής του Köprü το λύνει με την ασφαλιστική· μετά οι γραμμές ελευθερώνονται μόνες τους.",
    "The Köprü operator solves this with the insurer; the lines are released afterwards.",
)
_AUTOMATIC: Final = _t(
    "Bir şey yapmanız gerekmez; Köprü sigorta şirketine sorarak sonucu öğrenir.",
    "Δεν χρειάζεται ενέργεια· το Köprü ρωτά την ασφαλιστική για το αποτέλεσμα.",
    "Nothing to do: Köprü asks the insurer what became of it.",
)
_RETRIED: Final = _t(
    "Bir şey gönderilmedi; Köprü kendiliğinden yeniden dener.",
    "Δεν στάλθηκε τίποτα· το Köprü δοκιμάζει ξανά μόνο του.",
    "Nothing was sent; Köprü tries again by itself.",
)
_ASK_INSURER: Final = _t(
    "Sigorta şirketiyle görüşün.",
    "Επικοινωνήστε με την ασφαλιστική.",
    "Talk to the insurer.",
)


def _person(
    code: str, field: str | None, suggestion: Suggestion | None, meaning: LocalizedText
) -> ErrorEntry:
    return ErrorEntry(
        code, ErrorClass.PERSON_DATA, Actor.USER, meaning, _CORRECT, field, suggestion
    )


_ENTRIES: Final = (
    _person(
        "national_id_invalid",
        "national_id",
        Suggestion.CHECK_DIGITS,
        _t(
            "Sigorta şirketi T.C. kimlik numarasını geçersiz buldu.",
            "Η ασφαλιστική θεωρεί άκυρο τον αριθμό ταυτότητας.",
            "The insurer finds the identity number invalid.",
        ),
    ),
    _person(
        "person_not_found",
        "national_id",
        Suggestion.CHECK_DIGITS,
        _t(
            "Bu kimlik numarasıyla kayıtlı kimse bulunamadı.",
            "Δεν βρέθηκε πρόσωπο με αυτόν τον αριθμό ταυτότητας.",
            "Nobody is registered under this identity number.",
        ),
    ),
    _person(
        "name_mismatch",
        "first_name",
        Suggestion.TURKISH_LETTERS,
        _t(
            "Ad veya soyad, nüfus kaydıyla uyuşmuyor.",
            "Το όνομα ή το επώνυμο δεν συμφωνεί με το ληξιαρχείο.",
            "First or last name does not agree with the population register.",
        ),
    ),
    _person(
        "birth_date_mismatch",
        "birth_date",
        Suggestion.DATE_ORDER,
        _t(
            "Doğum tarihi, nüfus kaydıyla uyuşmuyor.",
            "Η ημερομηνία γέννησης δεν συμφωνεί με το ληξιαρχείο.",
            "The date of birth does not agree with the population register.",
        ),
    ),
    _person(
        "mobile_invalid",
        "mobile",
        Suggestion.MOBILE_FORMAT,
        _t(
            "Cep telefonu numarası geçersiz.",
            "Ο αριθμός κινητού δεν είναι έγκυρος.",
            "The mobile number is not valid.",
        ),
    ),
    _person(
        "mobile_in_use",
        "mobile",
        None,
        _t(
            "Bu cep telefonu sigorta şirketinde başka bir kişiye kayıtlı.",
            "Το κινητό είναι καταχωρισμένο στην ασφαλιστική για άλλο πρόσωπο.",
            "This mobile number belongs to another person at the insurer.",
        ),
    ),
    _person(
        "iban_invalid",
        "iban",
        Suggestion.IBAN_FORMAT,
        _t(
            "IBAN geçersiz veya kişiye ait değil.",
            "Το IBAN δεν είναι έγκυρο ή δεν ανήκει στο πρόσωπο.",
            "The IBAN is not valid or not the person's.",
        ),
    ),
    _person(
        "email_invalid",
        "email",
        None,
        _t(
            "E-posta adresi geçersiz.",
            "Η διεύθυνση e-mail δεν είναι έγκυρη.",
            "The e-mail address is not valid.",
        ),
    ),
    _person(
        "hired_on_invalid",
        "hired_on",
        Suggestion.DATE_ORDER,
        _t(
            "İşe giriş tarihi kabul edilmedi.",
            "Η ημερομηνία πρόσληψης δεν έγινε δεκτή.",
            "The hire date was not accepted.",
        ),
    ),
    _person(
        "age_out_of_scope",
        "birth_date",
        None,
        _t(
            "Kişinin yaşı otomatik katılım kapsamı dışında.",
            "Η ηλικία είναι εκτός της αυτόματης ένταξης.",
            "The person's age is outside automatic enrolment.",
        ),
    ),
    _person(
        "field_missing",
        None,
        None,
        _t(
            "Sigorta şirketinin zorunlu tuttuğu bir bilgi eksik.",
            "Λείπει στοιχείο που απαιτεί η ασφαλιστική.",
            "Something the insurer requires is missing.",
        ),
    ),
    _person(
        "rate_too_low",
        "contribution_rate",
        Suggestion.RAISE_RATE,
        _t(
            "Katkı payı oranı sözleşmedeki en düşük oranın altında.",
            "Το ποσοστό εισφοράς είναι κάτω από το ελάχιστο της σύμβασης.",
            "The contribution rate is below the minimum of the contract.",
        ),
    ),
    _person(
        "fund_preference_missing",
        "fund_preference",
        None,
        _t(
            "Fon tercihi (faizli veya faizsiz) belirtilmeli.",
            "Πρέπει να δηλωθεί η επιλογή κεφαλαίου (με ή χωρίς τόκο).",
            "The fund preference (with or without interest) must be given.",
        ),
    ),
    ErrorEntry(
        "already_enrolled",
        ErrorClass.LIFECYCLE,
        Actor.USER,
        _t(
            "Kişinin bu sözleşmede zaten bir poliçesi var.",
            "Το πρόσωπο έχει ήδη συμβόλαιο σε αυτή τη σύμβαση.",
            "The person already has a policy under this contract.",
        ),
        _t(
            "Durumu sorgulayın; poliçe numarası alınacaktır.",
            "Ζητήστε την κατάσταση· θα ληφθεί ο αριθμός συμβολαίου.",
            "Ask for the status; the policy number will be fetched.",
        ),
    ),
    ErrorEntry(
        "policy_not_found",
        ErrorClass.COLLECTION,
        Actor.OPERATOR,
        _t(
            "Sigorta şirketi bu poliçe numarasını tanımıyor.",
            "Η ασφαλιστική δεν αναγνωρίζει τον αριθμό συμβολαίου.",
            "The insurer does not know this policy number.",
        ),
        _OPERATOR,
        "policy_no",
    ),
    ErrorEntry(
        "policy_not_active",
        ErrorClass.LIFECYCLE,
        Actor.USER,
        _t(
            "Poliçe etkin değil: kişi caymış, ayrılmış veya ara vermiş.",
            "Το συμβόλαιο δεν είναι ενεργό: υπαναχώρηση, αποχώρηση ή διακοπή.",
            "The policy is not active: the person opted out, left or paused.",
        ),
        _t(
            "Durumu sorgulayın; kişi sonraki ödemelerden çıkarılır.",
            "Ζητήστε την κατάσταση· το πρόσωπο εξαιρείται από τις επόμενες πληρωμές.",
            "Ask for the status; the person is left out of the next payments.",
        ),
        "policy_no",
    ),
    ErrorEntry(
        "amount_invalid",
        ErrorClass.COLLECTION,
        Actor.USER,
        _t(
            "Katkı payı tutarı kabul edilmedi.",
            "Το ποσό της εισφοράς δεν έγινε δεκτό.",
            "The contribution amount was not accepted.",
        ),
        _t(
            "Tutarı denetleyip yeniden gönderin.",
            "Ελέγξτε το ποσό και στείλτε ξανά.",
            "Check the amount and send again.",
        ),
        "amount",
    ),
    ErrorEntry(
        "paid_on_invalid",
        ErrorClass.COLLECTION,
        Actor.USER,
        _t(
            "Ödeme tarihi kabul edilmedi.",
            "Η ημερομηνία πληρωμής δεν έγινε δεκτή.",
            "The payment date was not accepted.",
        ),
        _t(
            "Tarihi denetleyip yeniden gönderin.",
            "Ελέγξτε την ημερομηνία και στείλτε ξανά.",
            "Check the date and send again.",
        ),
        "paid_on",
        Suggestion.DATE_ORDER,
    ),
    ErrorEntry(
        "duplicate_collection",
        ErrorClass.COLLECTION,
        Actor.OPERATOR,
        _t(
            "Sigorta şirketinde bu ödeme başka bir tutarla kayıtlı.",
            "Στην ασφαλιστική υπάρχει ήδη αυτή η πληρωμή με άλλο ποσό.",
            "The insurer has this payment already, with another amount.",
        ),
        _OPERATOR,
        "amount",
        Suggestion.ASK_INSURER,
    ),
    ErrorEntry(
        "collection_failed",
        ErrorClass.COLLECTION,
        Actor.OPERATOR,
        _t(
            "Tahsilat işlenememiştir.",
            "Η είσπραξη δεν ολοκληρώθηκε (tahsilat işlenememiştir).",
            "The collection could not be processed (tahsilat işlenememiştir).",
        ),
        _OPERATOR,
    ),
    ErrorEntry(
        "system_error",
        ErrorClass.SYSTEM,
        Actor.OPERATOR,
        _t(
            "Sigorta şirketinin sisteminde bir hata oluştu.",
            "Παρουσιάστηκε σφάλμα στο σύστημα της ασφαλιστικής.",
            "An error occurred in the insurer's system.",
        ),
        _OPERATOR,
    ),
    ErrorEntry(
        "unknown_code",
        ErrorClass.SYSTEM,
        Actor.OPERATOR,
        _t(
            "Sigorta şirketi, tanımadığımız bir kodla yanıt verdi.",
            "Η ασφαλιστική απάντησε με κωδικό που δεν γνωρίζουμε.",
            "The insurer answered with a code we do not know.",
        ),
        _OPERATOR,
    ),
    ErrorEntry(
        FaultMeaning.AUTH_FAILED,
        ErrorClass.AUTH,
        Actor.USER,
        _t(
            "Kullanıcı adı veya parola yanlış.",
            "Λάθος όνομα χρήστη ή κωδικός.",
            "User name or password is wrong.",
        ),
        _t(
            "Sigorta şirketinden alınan güncel bilgileri girin; bekleyen satırlar kaybolmaz.",
            "Καταχωρίστε τα ισχύοντα στοιχεία της ασφαλιστικής· οι γραμμές που περιμένουν δεν "
            "χάνονται.",
            "Enter the current credentials from the insurer; nothing that waits is lost.",
        ),
        None,
        Suggestion.NEW_CREDENTIALS,
    ),
    ErrorEntry(
        FaultMeaning.CREDENTIALS_LOCKED,
        ErrorClass.AUTH,
        Actor.USER,
        _t(
            "Sigorta şirketi bu kullanıcıyı kilitledi.",
            "Η ασφαλιστική κλείδωσε αυτόν τον χρήστη.",
            "The insurer has locked this user.",
        ),
        _t(
            "Kilidi sigorta şirketi açar; sonra güncel parolayı girin.",
            "Η ασφαλιστική ξεκλειδώνει τον χρήστη· μετά καταχωρίστε τον ισχύοντα κωδικό.",
            "The insurer must unlock it; then enter the current password.",
        ),
        None,
        Suggestion.ASK_INSURER,
    ),
    ErrorEntry(
        FaultMeaning.CONTRACT_UNKNOWN,
        ErrorClass.AUTH,
        Actor.USER,
        _t(
            "Sigorta şirketi bu sözleşme numarasını tanımıyor.",
            "Η ασφαλιστική δεν αναγνωρίζει τον αριθμό σύμβασης.",
            "The insurer does not know this contract number.",
        ),
        _t(
            "Sözleşme numarasını ve kodunu denetleyin.",
            "Ελέγξτε τον αριθμό και τον κωδικό της σύμβασης.",
            "Check contract number and contract code.",
        ),
    ),
    ErrorEntry(
        FaultMeaning.CONTRACT_CLOSED,
        ErrorClass.AUTH,
        Actor.USER,
        _t(
            "Sözleşme sigorta şirketinde kapalı.",
            "Η σύμβαση είναι κλειστή στην ασφαλιστική.",
            "The contract is closed at the insurer.",
        ),
        _ASK_INSURER,
        None,
        Suggestion.ASK_INSURER,
    ),
    ErrorEntry(
        FaultMeaning.PERIOD_CLOSED,
        ErrorClass.COLLECTION,
        Actor.OPERATOR,
        _t(
            "Sigorta şirketi bu dönemi kapattı.",
            "Η ασφαλιστική έχει κλείσει αυτή την περίοδο.",
            "The insurer has closed this period.",
        ),
        _OPERATOR,
    ),
    ErrorEntry(
        FaultMeaning.PROVIDER_CLOSED,
        ErrorClass.SYSTEM,
        Actor.PROVIDER,
        _t(
            "Sigorta şirketinin hizmeti bakımda.",
            "Η υπηρεσία της ασφαλιστικής είναι σε συντήρηση.",
            "The insurer's service is closed for maintenance.",
        ),
        _RETRIED,
        None,
        Suggestion.WAIT,
    ),
    ErrorEntry(
        FaultMeaning.REQUEST_INVALID,
        ErrorClass.SYSTEM,
        Actor.OPERATOR,
        _t(
            "Sigorta şirketi iletiyi biçim olarak kabul etmedi.",
            "Η ασφαλιστική δεν δέχτηκε τη μορφή του μηνύματος.",
            "The insurer refused the form of the message.",
        ),
        _OPERATOR,
    ),
    ErrorEntry(
        "not_sent",
        ErrorClass.SYSTEM,
        Actor.PROVIDER,
        _t(
            "Sigorta şirketine ulaşılamadı.",
            "Η ασφαλιστική δεν είναι προσβάσιμη.",
            "The insurer could not be reached.",
        ),
        _RETRIED,
        None,
        Suggestion.WAIT,
    ),
    ErrorEntry(
        "unknown_outcome",
        ErrorClass.UNKNOWN_OUTCOME,
        Actor.PROVIDER,
        _t(
            "Gönderildi, ancak yanıt alınamadı veya anlaşılamadı.",
            "Στάλθηκε, αλλά η απάντηση χάθηκε ή δεν έγινε κατανοητή.",
            "Sent, but the answer was lost or not understood.",
        ),
        _AUTOMATIC,
        None,
        Suggestion.WAIT,
    ),
    ErrorEntry(
        "insurer_unavailable",
        ErrorClass.SYSTEM,
        Actor.PROVIDER,
        _t(
            "Sigorta şirketi şu anda yanıt vermiyor; kullanıcı bilgileri denenemedi.",
            "Η ασφαλιστική δεν απαντά αυτή τη στιγμή· τα στοιχεία δεν ελέγχθηκαν.",
            "The insurer does not answer at the moment; the credentials were not tested.",
        ),
        _t(
            "Biraz sonra yeniden deneyin.",
            "Δοκιμάστε ξανά σε λίγο.",
            "Try again a little later.",
        ),
        None,
        Suggestion.WAIT,
    ),
    ErrorEntry(
        "credentials_ok",
        ErrorClass.AUTH,
        Actor.USER,
        _t(
            "Bağlantı başarılı.",
            "Η σύνδεση πέτυχε.",
            "The connection works.",
        ),
        _t(
            "Gönderime başlayabilirsiniz.",
            "Μπορείτε να αρχίσετε την αποστολή.",
            "You can start sending.",
        ),
    ),
    ErrorEntry(
        "capability_missing",
        ErrorClass.SYSTEM,
        Actor.USER,
        _t(
            "Bu sigorta şirketi bu işlemi web servisiyle sunmuyor.",
            "Η ασφαλιστική δεν προσφέρει αυτή τη λειτουργία μέσω web.",
            "This insurer does not offer this by web service.",
        ),
        _t(
            "Dosyayı indirip sigorta şirketinin ekranından yükleyin.",
            "Κατεβάστε το αρχείο και ανεβάστε το στις οθόνες της ασφαλιστικής.",
            "Download the file and upload it on the insurer's own screens.",
        ),
    ),
    ErrorEntry(
        "no_endpoint",
        ErrorClass.SYSTEM,
        Actor.OPERATOR,
        _t(
            "Bu sigorta şirketi için bağlantı adresi tanımlı değil.",
            "Δεν έχει οριστεί διεύθυνση για αυτή την ασφαλιστική.",
            "No address is configured for this insurer.",
        ),
        _OPERATOR,
    ),
)

DICTIONARY: Final[Mapping[str, ErrorEntry]] = MappingProxyType(
    {str(entry.code): entry for entry in _ENTRIES}
)
"""Every code of ours."""

UNKNOWN_CODE: Final = "unknown_code"

_COMMON_MEANINGS: Final = (
    "national_id_invalid",
    "person_not_found",
    "name_mismatch",
    "birth_date_mismatch",
    "mobile_invalid",
    "mobile_in_use",
    "iban_invalid",
    "email_invalid",
    "hired_on_invalid",
    "age_out_of_scope",
    "field_missing",
    "rate_too_low",
    "fund_preference_missing",
    "already_enrolled",
    "policy_not_found",
    "policy_not_active",
    "amount_invalid",
    "paid_on_invalid",
    "duplicate_collection",
    "collection_failed",
    "system_error",
)


def _table(*codes: str) -> Mapping[str, str]:
    """Provider codes in the order of the meanings every dialect can express."""
    return MappingProxyType(dict(zip(codes, _COMMON_MEANINGS, strict=True)))


PROVIDER_CODES: Final[Mapping[Dialect, Mapping[str, str]]] = MappingProxyType(
    {
        Dialect.USERNAMETOKEN_BATCH: _table(
            "101", "102", "103", "104", "105", "106", "107", "108", "109", "110", "111", "112",
            "113", "120", "201", "202", "203", "204", "205", "299", "500",
        ),
        Dialect.SESSION_SINGLE: _table(
            "11", "12", "13", "14", "15", "16", "17", "18", "19", "20", "21", "22",
            "23", "30", "51", "52", "53", "54", "55", "59", "99",
        ),
        Dialect.PERIOD_ASYNC: _table(
            "TCK01", "TCK02", "ADS01", "DGT01", "TEL01", "TEL02", "IBN01", "EPS01", "GRS01",
            "YAS01", "ALN01", "ORN01", "FON01", "POL01", "POL02", "POL03", "TUT01", "ODT01",
            "MUK01", "THS01", "SIS01",
        ),
    }
)  # fmt: skip
"""Codes of single lines, without the prefix of the insurer. DESIGN: no insurer publishes them."""


def our_code(dialect: Dialect, prefix: str, provider_code: str | None) -> str:
    """Our code for an insurer's code of a single line; ``unknown_code`` when it is not listed."""
    if provider_code is None or not provider_code.startswith(prefix):
        return UNKNOWN_CODE
    return PROVIDER_CODES[dialect].get(provider_code.removeprefix(prefix), UNKNOWN_CODE)


def explain(code: str | None) -> ErrorEntry:
    """The entry of one of our codes; what is not listed is explained as an unknown code."""
    return DICTIONARY.get(code or UNKNOWN_CODE, DICTIONARY[UNKNOWN_CODE])
