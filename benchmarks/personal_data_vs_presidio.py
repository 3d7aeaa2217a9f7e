"""Personal data in a mixed table of ten columns: ours, from Parquet, against presidio-analyzer with the same recognisers.

Run: ``python benchmarks/personal_data_vs_presidio.py --peer-python PATH [--rows N] [--peer-rows M] [--growth]``. ``PATH`` is an
interpreter that has presidio-analyzer (``python -m venv`` and ``pip install presidio-analyzer``; no language model is
needed). presidio looks at the first ``M`` rows and its time is scaled in proportion (it looks at value after value).
What was planted is known, so both are judged by it; a list of values in the categories of presidio's own tests,
written for this script, is judged too: nothing that presidio recognises may be missed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from bench import best, growth, machine

ENTITIES = {
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "CREDIT_CARD": "credit_card",
    "IBAN_CODE": "iban",
    "IP_ADDRESS": "ip_address",
    "MAC_ADDRESS": "mac_address",
    "URL": "url",
    "US_SSN": "us_ssn",
}
PLANTED = {
    "contact": "email",
    "telephone": "phone",
    "card": "credit_card",
    "account": "iban",
    "client": "ip_address",
    "social": "us_ssn",
    "site": "url",
}
LISTED = {
    "email": ["info@example.com", "first.last@sub.example.co.uk", "a_b-c+tag@mail.example.org", "mail me: ada@example.net, please"],
    "phone": [
        "+1 (415) 555-0132", "415-555-0132", "(415) 555-0132", "415.555.0132", "+44 20 7946 0958", "+49 30 901820",
        "+972 54 123 4567", "ring +33 1 70 18 99 00 today", "1-415-555-0132", "415-555-0132 ext. 12",
    ],
    "credit_card": [
        "4012888888881881", "4012-8888-8888-1881", "4012 8888 8888 1881", "my card: 5555555555554444,", "378282246310005",
        "3782 822463 10005", "6011111111111117", "3530111333300000", "30569309025904", "5019717010103742",
    ],
    "iban": [
        "GB33BUKB20201555555555", "GB33 BUKB 2020 1555 5555 55", "DE75512108001245126199", "FR7630006000011234567890189",
        "to NL02ABNA0123456789 please", "CH56 0483 5012 3456 7800 9", "NO8330001234567", "MT31MALT01100000000000000000123",
    ],
    "ip_address": [
        "203.0.113.7", "my server is 198.51.100.23 now", "10.0.0.254", "2001:db8::ff00:42:8329",
        "2001:0db8:0000:0000:0000:ff00:0042:8329", "fe80::1ff:fe23:4567:890a",
    ],
    "mac_address": ["00:1A:2B:3C:4D:5E", "00-1A-2B-3C-4D-5E", "001A.2B3C.4D5E"],
    "url": ["https://www.example.com/", "http://example.org/a?b=c#d", "see https://docs.example.net/x/y.html today", "www.example.com"],
    "us_ssn": ["536-22-8145", "my ssn is 536-22-8145", "536 22 8145"],
}  # fmt: skip
"""Values in the categories that presidio's public tests cover, none of anybody."""

MEGABYTE = 1e6
WORDS = "the customer asked about an invoice and was told to wait for the answer of our department"
IN_NOTES, NEARLY = 0.1, 1e-3
MANY = 500_000


def write_table(path: Path, rows: int) -> None:
    """Ten columns: numbers, seven identifiers, running text in which some stand, a category."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    draw = np.random.default_rng(7)

    def numbers(low: int, high: int) -> list[int]:
        return draw.integers(low, high, rows).tolist()

    mails = [f"user.{a}@example{b}.org" for a, b in zip(numbers(0, 10**8), numbers(0, 99), strict=True)]
    phones = [
        f"({a}) {b}-{c:04d}" for a, b, c in zip(numbers(301, 999), numbers(212, 999), numbers(0, 9999), strict=True)
    ]
    words = WORDS.split()
    notes = [" ".join(draw.permutation(words)[:9]) for _ in range(min(rows, 2000))]
    picks = numbers(0, len(notes))
    texts = [
        f"{notes[pick]} {index} {mails[index]}" if index % 10 == 0 else f"{notes[pick]} {index}"
        for index, pick in enumerate(picks)
    ]
    table = pa.table(
        {
            "id": np.arange(rows),
            "amount": draw.gamma(2.0, 900.0, rows).round(2),
            "contact": mails,
            "telephone": phones,
            "card": [_luhn(f"4{number:014d}") for number in numbers(0, 10**14)],
            "account": [_iban(number) for number in numbers(0, 10**18)],
            "client": [".".join(map(str, part)) for part in draw.integers(1, 255, (rows, 4)).tolist()],
            "social": [
                f"{a:03d}-{b:02d}-{c:04d}"
                for a, b, c in zip(numbers(100, 650), numbers(1, 99), numbers(1, 9999), strict=True)
            ],
            "site": [
                f"https://shop{a}.example.com/p/{b}" for a, b in zip(numbers(0, 99), numbers(0, 10**6), strict=True)
            ],
            "note": texts,
        }
    )
    pq.write_table(table, path)


def _luhn(front: str) -> str:
    digits = [int(digit) for digit in front]
    doubled = [sum(divmod(2 * digit, 10)) if place % 2 == 0 else digit for place, digit in enumerate(reversed(digits))]
    return f"{front}{-sum(doubled) % 10}"


def _iban(number: int) -> str:
    account = f"{number:018d}"
    return f"DE{98 - int(account + '131400') % 97:02d}{account}"


def be_peer(source: Path) -> None:
    """Inside the other interpreter: recognise every value with presidio's recognisers, no model and no network."""
    from presidio_analyzer import RecognizerRegistry
    from tldextract import TLDExtract, tldextract

    tldextract.TLD_EXTRACTOR = TLDExtract(suffix_list_urls=(), cache_dir=None)
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    ours = [one for one in registry.recognizers if set(one.supported_entities) & set(ENTITIES)]
    columns = json.loads(source.read_text(encoding="utf-8"))
    seconds, busy = [], []
    for _ in range(2):
        start, started = time.perf_counter(), time.process_time()
        found = {
            name: [
                sorted(
                    {result.entity_type for one in ours for result in one.analyze(value, one.supported_entities, None)}
                )
                for value in values
            ]
            for name, values in columns.items()
        }
        seconds.append(time.perf_counter() - start)
        busy.append(time.process_time() - started)
    sys.stdout.write(json.dumps({"seconds": min(seconds), "busy": min(busy), "found": found}))


def peer(python: str, columns: dict[str, list[str]]) -> tuple[dict[str, list[list[str]]], float, float]:
    """What presidio recognises in each value, by our names, its seconds, and the processor's."""
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory, "columns.json")
        source.write_text(json.dumps(columns), encoding="utf-8")
        done = subprocess.run(
            [python, __file__, "--as-peer", str(source)], check=True, capture_output=True, encoding="utf-8"
        )
    answer = json.loads(done.stdout)
    found = {
        name: [[ENTITIES[entity] for entity in entities if entity in ENTITIES] for entities in values]
        for name, values in answer["found"].items()
    }
    return found, float(answer["seconds"]), float(answer["busy"])


def rates_of(path: Path) -> tuple[dict[tuple[str, str], float], float]:
    """Our rates by column and entity, and the processor's seconds on all cores."""
    from audits.evaluate import evaluate

    start = time.process_time()
    report = evaluate("pii", [path], {})
    rates = {(m["slice"]["column"], m["slice"]["entity"]): m["value"] for m in report["measurements"]}
    return rates, time.process_time() - start


def ours(path: Path, small: Path, times: int = 3) -> tuple[dict[tuple[str, str], float], float, float, float]:
    """Rates by column and entity, seconds, the processor's seconds, megabytes above the start: the best of several runs."""
    done = best(partial(rates_of, path), warm=partial(rates_of, small), times=times)
    rates, busy = done.value
    return rates, done.seconds, busy, done.peak_mb


def listed_recall(python: str, directory: Path) -> bool:
    """Whether nothing is missed in the list of values that presidio recognises."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from audits.evaluate import evaluate

    found, _, _ = peer(python, LISTED)
    missed, both, only = [], 0, 0
    for entity, values in LISTED.items():
        for value, theirs in zip(values, found[entity], strict=True):
            path = directory / "value.parquet"
            pq.write_table(pa.table({"value": [value]}), path)
            rows = evaluate("pii", [path], {})["series"][0]["rows"]
            mine = any(row[1] == entity for row in rows)
            both += mine and entity in theirs
            only += mine and entity not in theirs
            if entity in theirs and not mine:
                missed.append((entity, value))
    total = sum(map(len, LISTED.values()))
    print(f"listed values: {total}; found by both {both}, by us alone {only}, by presidio alone {len(missed)} {missed}")
    return not missed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--peer-rows", type=int, default=1_000)
    parser.add_argument("--peer-python", help="an interpreter that has presidio-analyzer")
    parser.add_argument("--growth", action="store_true", help="10^4 to 10^6 rows as well, ours alone")
    parser.add_argument("--as-peer", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.as_peer:
        be_peer(args.as_peer)
        return 0
    with tempfile.TemporaryDirectory() as directory:
        return compare(args, Path(directory))


def compare(args: argparse.Namespace, directory: Path) -> int:
    import pyarrow.parquet as pq

    small, path = directory / "small.parquet", directory / "table.parquet"
    write_table(small, 1_000)
    write_table(path, args.rows)
    print(machine("pyarrow", "duckdb"))
    rates, seconds, busy, memory = ours(path, small)
    table = pq.read_table(path)
    size = sum(len(str(value)) for name in table.column_names for value in table[name].to_pylist()) / MEGABYTE
    print(
        f"ours: {args.rows:,} rows × {table.num_columns}, {size:.1f} MB of text: {seconds:.2f} s ({busy:.2f} s of the processor), {memory:.0f} MB above the start"
    )
    right = all(rates.get(key) == 1.0 for key in PLANTED.items())
    right &= abs(rates.get(("note", "email"), 0.0) - IN_NOTES) < NEARLY
    clean = rates["id", "any"] == rates["amount", "any"] == 0.0
    print(f"all that was planted is found: {right}; nothing in columns without: {clean}")
    if args.growth:
        grow(directory, small)
    if not args.peer_python:
        return 0 if right and clean else 1
    part = table.slice(0, args.peer_rows)
    columns = {name: [str(value) for value in part[name].to_pylist()] for name in part.column_names}
    found, peer_seconds, peer_busy = peer(args.peer_python, columns)
    scaled = peer_seconds * args.rows / args.peer_rows
    recall = {
        entity: sum(entity in value for value in found[name]) / args.peer_rows for name, entity in PLANTED.items()
    }
    print(
        f"presidio: {args.peer_rows:,} rows {peer_seconds:.1f} s ({peer_busy:.1f} s of the processor); scaled {scaled:.0f} s"
    )
    work = peer_busy * args.rows / args.peer_rows / busy
    print(f"ratio of seconds {scaled / seconds:.0f}; of the processor's seconds, whatever else runs, {work:.0f}")
    print(
        "share of planted values found, ours 1.0 each; presidio " + ", ".join(f"{k} {v:.3f}" for k, v in recall.items())
    )
    agree = all(rates[name, entity] >= recall[entity] for name, entity in PLANTED.items())
    complete = listed_recall(args.peer_python, directory)
    return 0 if right and clean and agree and complete else 1


def grow(directory: Path, small: Path) -> None:
    """Time and memory from 10^4 to 10^6 rows, and the slope of log time over log rows."""
    path = directory / "growing.parquet"
    rows, times = [10_000, 100_000, 1_000_000], []
    for count in rows:
        write_table(path, count)
        _, seconds, _, memory = ours(path, small, 1 if count > MANY else 2)
        times.append(seconds)
        print(f"  {count:>9,} rows: {seconds:7.2f} s, {memory:5.0f} MB above the start")
    print(f"  slope of log time over log rows from 10^5 to 10^6: {growth(rows[1:], times[1:]):.2f}")


if __name__ == "__main__":
    sys.exit(main())
