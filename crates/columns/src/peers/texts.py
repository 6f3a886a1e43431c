"""Functions of texts: by Python's own."""
import re

import pyarrow as pa

from asked import *

for name in """lower upper casefold capitalize title swapcase isalnum isalpha isascii isdecimal isdigit isnumeric isspace islower isupper istitle
strip lstrip rstrip""".split():
    for column in ["s", "l"]:
        put_rows(f"str_{name}", f"{column}.str.{name}()", lambda x: getattr(x, name)(), column,
                 type=pa.bool_() if name.startswith("is") else pa.string())
ascii_only = lambda x, function: "".join(function(c) if c.isascii() else c for c in x)
put_rows("str_lower", "s.str.lower(ascii=True)", lambda x: ascii_only(x, str.lower), "s")
put_rows("str_upper", "s.str.upper(ascii=True)", lambda x: ascii_only(x, str.upper), "s")
part = lambda pieces, at: pieces[at] if -len(pieces) <= at < len(pieces) else None
found = lambda x, function: NO_RESULT if function(x) < 0 else function(x)
search = re.compile(r"([a-z]+)(\d)?")
for column in ["s", "l"]:
    texts = {
        "strip(' a')": lambda x: x.strip(" a"), "lstrip('aé日')": lambda x: x.lstrip("aé日"), "rstrip('aé日')": lambda x: x.rstrip("aé日"),
        "removeprefix('a')": lambda x: x.removeprefix("a"), "removesuffix('日')": lambda x: x.removesuffix("日"),
        "center(9, '日')": lambda x: x.center(9, "日"), "ljust(9)": lambda x: x.ljust(9), "rjust(9, 'é')": lambda x: x.rjust(9, "é"),
        "pad(9, 'left')": lambda x: x.rjust(9), "pad(9, 'right', '-')": lambda x: x.ljust(9, "-"), "zfill(6)": lambda x: x.zfill(6),
        "repeat(3)": lambda x: x * 3, "replace('a', '日b', 2)": lambda x: x.replace("a", "日b", 2),
        r"replace('([a-z]+)(\\d)?', '<\\1>', regex=True)": lambda x: search.sub(r"<\1>", x),
        "slice(1, -1)": lambda x: x[1:-1], "slice(None, None, -2)": lambda x: x[::-2], "get(2)": lambda x: part(x, 2),
        "split_part(',', 1)": lambda x: part(x.split(","), 1), "split(',', 2).str.join('|')": lambda x: "|".join(x.split(",", 2)),
        "split().str.join('+')": lambda x: "+".join(x.split()), "rsplit(',', 1).str.get(0)": lambda x: x.rsplit(",", 1)[0],
        "join('é')": lambda x: "é".join(x), "cat('é', '-')": lambda x: x + "-" + "é",
        "extract_regex('([a-z]+)(\\\\d)?', 1)": lambda x: (lambda m: m and m[1])(search.search(x)),
    }
    for call, function in texts.items():
        put_rows("str_" + call.split("(")[0], f"{column}.str.{call}", function, column)
    put_rows("str_rsplit", f"{column}.str.rsplit(',', 1).str.join('|')", lambda x: "|".join(x.rsplit(",", 1)), column)
    put_rows("str_join", f"{column}.str.split(',').str.join('')", lambda x: "".join(x.split(",")), column)
    counts = {
        "len()": len, "byte_length()": lambda x: len(x.encode()), "find('a')": lambda x: x.find("a"), "rfind('é')": lambda x: x.rfind("é"),
        "find('a', 1, -1)": lambda x: x.find("a", 1, -1), "index('a')": lambda x: found(x, lambda x: x.find("a")),
        "rindex('日')": lambda x: found(x, lambda x: x.rfind("日")), "count('a')": lambda x: x.count("a"),
        "count('[aé]+', regex=True)": lambda x: len(re.findall("[aé]+", x)),
    }
    for call, function in counts.items():
        put_rows("str_" + call.split("(")[0], f"{column}.str.{call}", function, column, type=pa.int64())
    tests = {
        "startswith('a')": lambda x: x.startswith("a"), "endswith(['日', 'a'])": lambda x: x.endswith(("日", "a")),
        "contains('a.b')": lambda x: bool(re.search("a.b", x)), "contains('é', regex=False)": lambda x: "é" in x,
        "contains('ÉA', case=False)": lambda x: bool(re.search("ÉA", x, re.I)), "match('[a-b]+')": lambda x: bool(re.match("[a-b]+", x)),
        "fullmatch('[ab]*')": lambda x: bool(re.fullmatch("[ab]*", x)), "equals('a')": lambda x: x == "a",
        "notequals('a')": lambda x: x != "a",
    }
    for call, function in tests.items():
        put_rows("str_" + call.split("(")[0], f"{column}.str.{call}", function, column, type=pa.bool_())
put_rows("str_equals", "s.str.equals(l)", lambda x, y: x == y, "s", "l", type=pa.bool_())
put_rows("str_cat", "s.str.cat(l, '~')", lambda x, y: x + "~" + y, "s", "l")
