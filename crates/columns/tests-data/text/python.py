"""Writes python.json: what Python's `str` and `re` answer for texts of all kinds.

Run with CPython 3.13 (Unicode 15.1); no packages are needed. `python.py > python.json` has a fourth of the texts for each case, another
one for the next; `python.py all` has all of them for each.
"""

import json
import re
import sys
import unicodedata

TEXTS = [
    "", " ", "a", "A", "abc", "ABC", "Hello World", "hello world", "they're bill's", "x y z", "  two  words  ", "\tTab\nline\r\n",
    "banana", "aaaa", "aAaA", "a-b-c", "--a--", "-12", "+7", "-", "12", "1.5", "0x1F", "a\x1cb\x1d\x1e\x1f", "\x85\xa0\u2003\u3000",
    "\u200bzero", "été", "Été", "ÉTÉ", "e\u0301te\u0301", "Ångström", "straße", "STRASSE", "ẞ", "ß", "ßa", "ﬁne ﬂow", "ŉ", "ǰ", "ΐ",
    "ΑΣ", "ΑΣ ΒΣ", "ΑΣΑ", "Σ", "ΣΑΣ", "Α\u0301Σ\u0301", "Σ.", "ΑΣ'Α", "ΑΣ\u00adΑ", "οδυσσεύς", "ΟΔΥΣΣΕΎΣ", "İstanbul", "ISTANBUL", "ısı", "iI",
    "ǅ", "ǆabc", "Ǆ", "ǲ", "ᾳ", "ᾼ", "ᾲ", "ᾷ", "ᾀᾈ", "ʰ", "ª", "ⅷ", "Ⅷ", "ⓐ", "Ⓐ", "²", "½", "①", "٣", "三", "一二三", "日本", "日本語テキスト",
    "日本 語", "한국어", "ქართული", "ᲥᲐᲠᲗᲣᲚᲘ", "Ꭰꭰᏸ", "հայերեն և", "ﬓ", "русский Текст", "עברית", "العربية", "हिन्दी", "ไทย", "𝒜𝓑𝟙", "𐐀𐐨",
    "😀", "a😀b", "👩‍👩‍👧", "🇫🇷", "e\u0301", "\u0301", "\u0345", "a\u0345", "né à Paris", "naïve café", "Mc'Donald o’neil", "foo_bar9", "a\x00b",
    "key=value", "user@example.com", "2024-02-29", "  ", "\n", "a\n", "a\nb", "Aa", "aA", "ab12CD", "éa", "aé", "zé\u200dz", "x" * 70,
]

CASES = []
SKIPPED = "\0skipped"


def quote(text):
    return json.dumps(text, ensure_ascii=False)


def agreed(text):
    """Whether the engine's classes have the characters that Python's have: in both, marks, joiners and numbers of some kinds differ."""
    return all(
        unicodedata.category(c) not in ("Mn", "Mc", "Me", "No", "Nl", "So", "Cf") and c not in "\x1c\x1d\x1e\x1f" for c in text
    )



def case(expression, function, comparable=lambda text: True):
    step = 1 if "all" in sys.argv else 4
    start = len(CASES) % step
    answers = [function(text) if comparable(text) else SKIPPED for text in TEXTS[start::step]]
    CASES.append({"expr": expression, "start": start, "step": step, "answers": answers})


for name in """lower upper capitalize title swapcase casefold isalnum isalpha isascii isdecimal isdigit isnumeric isspace islower
isupper istitle strip lstrip rstrip split rsplit""".split():
    case(f"x.str.{name}()", lambda text: getattr(text, name)())

case("x.str.len()", len)
case("x.str.byte_length()", lambda text: len(text.encode()))
for chars in ["a", " a-", "é\n", "xyz", "日語"]:
    for name in ["strip", "lstrip", "rstrip"]:
        case(f"x.str.{name}({quote(chars)})", lambda text: getattr(text, name)(chars))
for end in ["a", "", "é", "日本", "--", "ABC"]:
    for name in ["startswith", "endswith", "removeprefix", "removesuffix"]:
        case(f"x.str.{name}({quote(end)})", lambda text: getattr(text, name)(end))
case('x.str.startswith(["a", "日", "É"])', lambda text: text.startswith(("a", "日", "É")))
for sub in ["a", "", "an", "aa", "é", "語", "a\u0345", "😀"]:
    quoted = quote(sub)
    for name in ["find", "rfind"]:
        case(f"x.str.{name}({quoted})", lambda text: getattr(text, name)(sub))
        for start, end in [(1, None), (-2, None), (0, 2), (1, -1), (-3, -1), (5, 2), (100, None), (-100, 100)]:
            case(f"x.str.{name}({quoted}, {start}, {end})", lambda text: getattr(text, name)(sub, start, end))
    case(f"x.str.count({quoted})", lambda text: text.count(sub))
    case(f"x.str.contains({quoted}, regex=False)", lambda text: sub in text)
    for n in [-1, 0, 1, 2]:
        case(f"x.str.replace({quoted}, \"<é>\", {n})", lambda text: text.replace(sub, "<é>", n))
for width in [-1, 0, 3, 6, 7, 8]:
    for fill in [" ", "*", "é", "日"]:
        quoted = quote(fill)
        for name in ["center", "ljust", "rjust"]:
            case(f"x.str.{name}({width}, {quoted})", lambda text: getattr(text, name)(width, fill))
    case(f"x.str.pad({width}, \"both\", \"-\")", lambda text: text.center(width, "-"))
    case(f"x.str.pad({width})", lambda text: text.rjust(width))
    case(f"x.str.zfill({width})", lambda text: text.zfill(width))
for times in [-1, 0, 1, 3]:
    case(f"x.str.repeat({times})", lambda text: text * times)
for start in [None, 0, 1, 3, -1, -2, -100, 100]:
    for stop in [None, 0, 1, 4, -1, -3, 100, -100]:
        for step in [None, 1, 2, -1, -3]:
            case(f"x.str.slice({start}, {stop}, {step})", lambda text: text[start:stop:step])
for at in [0, 1, 3, -1, -2, 100, -100]:
    case(f"x.str.get({at})", lambda text: text[at] if -len(text) <= at < len(text) else None)


def part(pieces, at):
    return pieces[at] if -len(pieces) <= at < len(pieces) else None


for pattern in [None, " ", "a", "aa", "é", "--", "語"]:
    quoted = "None" if pattern is None else quote(pattern)
    for most in [-1, 0, 1, 2]:
        case(f"x.str.split({quoted}, {most})", lambda text: text.split(pattern, most))
        case(f"x.str.rsplit({quoted}, {most})", lambda text: text.rsplit(pattern, most))
        for at in [0, 1, 2, -1, -2]:
            case(f"x.str.split_part({quoted}, {at}, {most})", lambda text: part(text.split(pattern, most), at))
            case(f"x.str.split({quoted}, {most}).str.get({at})", lambda text: part(text.split(pattern, most), at))
    case(f"x.str.split({quoted}).str.join(\"+é\")", lambda text: "+é".join(text.split(pattern)))
case('x.str.join("-")', lambda text: "-".join(text))
case("x.str.cat(x)", lambda text: text + text)
case('x.str.cat(x, ", ")', lambda text: text + ", " + text)
case('x.str.cat("é")', lambda text: text + "é")
case('x.str.equals("abc")', lambda text: text == "abc")
case('x.str.notequals("abc")', lambda text: text != "abc")

PATTERNS = [
    "a", "an+a", "^a", "a$", "^$", r"\d+", r"\w+", r"\W", r"\s", r"\bb", "[aeiou]", "[^a-z]", "é", ".", "..", "(?i)é", "(?i)straße", r"(?i)ISI",
    "x*", "a?", "", r"(a)(n)?", r"(?P<first>\w+) (?P<rest>.*)", r"(?:a|ab)(?:c|bcd)?", r"[]a]", r"[^]a]", r"[[]", r"[a&&b]", r"[a\-z]", r"[+--]",
    r"[--a]", r"[a-]", r"[\w-]", r"[~~]", r"\<", r"a{2}", r"a{,2}", r"a{2,}", r"a{", r"{}", r"\x61", r"\u00e9", r"[\x61-\x63]", r"\Aa", r"(?s)a.b",
    r"(?m)^b", r"(?x) a  b # comment", r"(?x)[ a]", r"\.", r"\-", r"a|b|", r"(?#note)a", r"\060", "日+", r"[ぁ-ん一-龥]+", r"\ ", r"a+?", r"(a|b)*",
    r"[\u00e0-\u00ff]", r"[^\W\d_]+", r"(?P<k>\w+)=(?P<v>\w*)|(?P<n>\d+)",
]
for pattern in PATTERNS:
    # Unlike in Python, the letters of Turkish are no other case of i, as Unicode says.
    if pattern == "(?i)ISI":
        comparable = lambda text: "ı" not in text and "İ" not in text
    else:
        comparable = agreed if re.search(r"\\[wWsSbB]", pattern) else lambda text: True
    quoted = quote(pattern)
    found = re.compile(pattern)
    if "$" in pattern:
        # Here `$` is the very end of a text.
        found = re.compile(pattern.replace("$", r"\Z"))
    case(f"x.str.contains({quoted})", lambda text: bool(found.search(text)), comparable)
    case(f"x.str.match({quoted})", lambda text: bool(found.match(text)), comparable)
    case(f"x.str.fullmatch({quoted})", lambda text: bool(found.fullmatch(text)), comparable)
    # The engine has one empty match at a place where Python goes on to look for one that is not empty.
    if pattern not in ["a|b|", "a+?"]:
        case(f"x.str.count({quoted}, regex=True)", lambda text: sum(1 for _ in found.finditer(text)), comparable)
        for n in [0, 1, 2]:
            limit = 0 if n == 0 else n
            written = -1 if n == 0 else n
            case(
                f"x.str.replace({quoted}, {quote(r'<\g<0>>\\\n')}, {written}, regex=True)",
                lambda text: found.sub(r"<\g<0>>\\\n", text, count=limit),
                comparable,
            )
    case(
        f"x.str.extract_regex({quoted}, 0)",
        lambda text: (lambda match: match and match.group(0))(found.search(text)),
        comparable,
    )
    for group in range(1, found.groups + 1):
        case(
            f"x.str.extract_regex({quoted}, {group})",
            lambda text: (lambda match: match and match.group(group))(found.search(text)),
            comparable,
        )
    if found.groupindex:
        case(f"x.str.extract_regex({quoted})", lambda text: (lambda match: match and match.groupdict())(found.search(text)), comparable)
        name = next(iter(found.groupindex))
        case(
            f"x.str.replace({quoted}, {quote(rf'[\2|\g<{name}>]')}, regex=True)",
            lambda text: found.sub(rf"[\2|\g<{name}>]", text),
            comparable,
        )
case('x.str.contains("É", case=False)', lambda text: bool(re.search("É", text, re.I)))
case('x.str.contains("a.", regex=False, case=False)', lambda text: "a." in text.lower())
case('x.str.replace("^b", "c", flags=8, regex=True)', lambda text: re.sub("^b", "c", text, flags=re.M))
case('x.str.match("É", flags=2)', lambda text: bool(re.match("É", text, re.I)))

json.dump({"texts": TEXTS, "cases": CASES}, sys.stdout, ensure_ascii=False, separators=(",", ":"))
