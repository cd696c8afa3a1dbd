"""Word lists of the chat brain: roles of field names, families of tools, currencies, units."""

from __future__ import annotations

_ROLE_NAMES = {
    "url": "url uri link href website webpage endpoint",
    "email": "email mail",
    "domain": "domain hostname",
    "path": "path file filename filepath directory folder dir document attachment",
    "date": "date day deadline birthday birthdate due dob when",
    "time": "time hour",
    "phone": "phone telephone mobile tel fax",
    "currency": "currency ccy",
    "expression": "expression equation formula math calculation expr",
    "place": "city location place town country region address destination origin airport state"
    " venue capital station where municipality province village",
    "name": "name person customer author director recipient user company organization"
    " organisation employee student owner artist founder inventor brand surname attendee"
    " attendees participant contact patient client manager agent product item",
    "slug": "model repo repository",
    "code": "id code ticker symbol sku reference isbn identifier",
    "language": "language lang locale",
    "unit": "unit units",
    "colour": "color colour",
    "phrase": "query question prompt q search text input message content contents topic task"
    " request instruction instructions body keyword keywords term subject inquiry goal objective"
    " note statement sentence script command utterance words",
    "answer": "answer summary response explanation reason rationale reasoning justification"
    " description conclusion result output thought analysis details abstract evidence quote"
    " feedback comment reply overview context",
    "title": "title heading headline label",
}
ROLES = {word: role for role, words in _ROLE_NAMES.items() for word in words.split()}

# Words of one family make the same tool likely: "paint me a fox" wants `generate_image`.
_FAMILIES = (
    "draw paint picture image illustrate illustration photo sketch logo drawing render png poster",
    "say speak aloud read voice speech audio narrate narration recording pronounce tts loud spoken",
    "transcribe transcript transcription dictation stt",
    "search find lookup browse web internet google online retrieve latest research look",
    "multiply product multiplication",
    "add plus sum addition adder total",
    "subtract minus difference subtraction",
    "divide quotient division divided",
    "power exponent squared cubed square exponentiate",
    "calculate calculator compute math arithmetic evaluate calculation expression",
    "weather temperature forecast rain rainy sunny snow hot cold wind climate degrees warm",
    "cost price spend spent bill charge fee expensive pay balance funds wallet money budget credit",
    "convert conversion exchange currency rate",
    "time clock now hour oclock today date",
    "email mail send inbox",
    "video film movie clip animate animation",
    "remember save store note memo record",
    "book reserve reservation schedule meeting calendar appointment",
    "stock share ticker quote trading trade market",
    "distance route direction far navigate",
    "translate translation",
    "summarize summarise summary",
    "delete remove erase drop",
    "create make generate",
    "edit change modify update alter",
    "customer client user person",
    "population people inhabitants residents",
    "size big large long length bytes",
    "domain dns ip resolve host",
    "sms text message phone",
    "song sing singer music track album band play tune",
    "person people born birthday biography life who",
    "documentation docs docstring manual reference",
    "mean meaning definition define dictionary",
    "employee staff salary earn wage",
)
FAMILIES = tuple(tuple(words.split()) for words in _FAMILIES)

CURRENCIES = {
    "dollar": "USD", "$": "USD", "euro": "EUR", "€": "EUR", "pound": "GBP", "£": "GBP",
    "yen": "JPY", "¥": "JPY", "franc": "CHF", "rupee": "INR", "₹": "INR", "yuan": "CNY",
    "won": "KRW", "peso": "MXN", "real": "BRL", "bitcoin": "BTC", "nano": "XNO",
}  # fmt: skip
LANGUAGES = frozenset(
    """english french german spanish italian portuguese dutch polish russian ukrainian turkish
    arabic hebrew hindi bengali chinese mandarin japanese korean vietnamese thai indonesian greek
    swedish norwegian danish finnish czech hungarian romanian latin python javascript typescript
    rust java""".split()
)
COLOURS = frozenset(
    """red orange yellow green blue indigo violet purple pink brown black white grey gray cyan
    magenta teal turquoise gold silver beige navy maroon olive""".split()
)
UNITS = frozenset(
    """celsius fahrenheit kelvin metric imperial km kilometers kilometres miles meters metres feet
    inches cm mm kg kilograms pounds grams ounces liters litres gallons seconds minutes hours days
    weeks months years percent""".split()
)
