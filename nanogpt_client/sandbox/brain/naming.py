"""Name a few things of an everyday kind: three colours, the days of the week."""

from __future__ import annotations

import re

from nanogpt_client.sandbox.brain import mine
from nanogpt_client.sandbox.media.words import stem

_KINDS = {
    "primary colours, primary colors": "red, yellow, blue",
    "colours, colors": "red, blue, green, yellow, orange, purple, brown, black, white, grey",
    "planets": "Mercury, Venus, Earth, Mars, Jupiter, Saturn, Uranus, Neptune",
    "continents": "Africa, Antarctica, Asia, Australia, Europe, North America, South America",
    "oceans": "Pacific, Atlantic, Indian, Southern, Arctic",
    "seasons": "spring, summer, autumn, winter",
    "days of the week, weekdays": (
        "Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday"
    ),
    "months, months of the year": (
        "January, February, March, April, May, June, July, August, September, October, "
        "November, December"
    ),
    "programming languages": "Python, JavaScript, Java, C, Rust, Go, Ruby, Kotlin, Swift, SQL",
    "languages": "English, Spanish, French, German, Chinese, Arabic, Hindi, Portuguese, Japanese",
    "countries": "Brazil, Canada, Egypt, France, India, Japan, Kenya, Mexico, Norway, Spain",
    "cities": "Paris, Tokyo, Nairobi, Lima, Oslo, Toronto, Cairo, Delhi, Sydney, Rome",
    "fruits": "apple, pear, plum, cherry, orange, banana, grape, mango, lemon, peach",
    "vegetables": "carrot, potato, tomato, onion, cabbage, pea, bean, leek, beetroot, spinach",
    "animals": "dog, cat, horse, cow, fox, lion, elephant, whale, eagle, frog",
    "birds": "sparrow, robin, eagle, owl, swan, crow, heron, stork, penguin, parrot",
    "trees": "oak, beech, birch, maple, ash, pine, fir, willow, lime, chestnut",
    "musical instruments, instruments": "violin, piano, flute, trumpet, drum, guitar, cello, harp",
    "metals": "iron, copper, gold, silver, tin, lead, zinc, aluminium, nickel, titanium",
    "prime numbers, primes": "2, 3, 5, 7, 11, 13, 17, 19, 23, 29",
}
_THINGS = {
    tuple(stem(word) for word in re.findall(r"[a-z]+", name)): things.split(", ")
    for names, things in _KINDS.items()
    for name in names.split(", ")
}
_ASKED = re.compile(
    r"^\W*(?:please )?(?:(?:can|could) you )?(?:name|list|tell me|give me|give|enumerate"
    r"|what are)(?: me)?(?: a list of| the names of)?(?: all)?(?: the)?\s+"
    r"(?P<count>\d{1,2}|a|an|some|one|two|three|four|five|six|seven|eight|nine|ten|twelve)?\s*"
    r"(?:random |different |common |popular )?(?P<kind>[a-z][a-z ]{2,40}?)\W*$",
    re.IGNORECASE,
)


def named(text: str) -> str:
    """Return the things that a text asks to name, or "" where they are not known."""
    asked = _ASKED.match(text)
    if not asked:
        return ""
    things = _THINGS.get(tuple(stem(word) for word in asked["kind"].lower().split()))
    if not things:
        return ""
    numbers = mine.numbers(asked["count"] or "")
    count = int(numbers[0].value) if numbers else 1 if asked["count"] in {"a", "an"} else None
    chosen = things[:count]
    listed = " and ".join(filter(None, (", ".join(chosen[:-1]), chosen[-1]))) if chosen else ""
    return f"{listed[:1].upper()}{listed[1:]}."
