"""Fill memory with JSON documents, an in-memory sqlite database and text, for `zswapsim demo` to capture.

This program uses the standard library only, so that any interpreter runs it by its path. It prints READY and the sizes
of its parts, then waits until its standard input ends, so that it never outlives the program that started it.

    python demo_child.py [SEED] [DOCUMENTS]
"""

import contextlib
import json
import os
import random
import sqlite3
import sys
from typing import Any

SYLLABLES = "an ar be co da de el en er fa ga in ka la le li lo ma me mi na no or pa ra re ri sa se si ta te to un"
CITIES = ("Aarhus", "Bergen", "Cusco", "Dakar", "Esfahan", "Fukuoka", "Ghent", "Hobart")
LINES_PER_DOCUMENT = 4


def vocabulary(chance: random.Random, words: int = 4_000) -> list[str]:
    """Invent words; `sentence` uses the first ones more often, as a language does."""
    syllables = SYLLABLES.split()
    return ["".join(chance.choices(syllables, k=chance.randint(1, 4))) for _ in range(words)]


def sentence(chance: random.Random, words: list[str]) -> str:
    """Return a sentence whose words roughly follow Zipf's law."""
    picked = [words[int(len(words) ** chance.random()) - 1] for _ in range(chance.randint(6, 18))]
    return " ".join(picked).capitalize() + "."


def document(chance: random.Random, words: list[str], number: int) -> dict[str, Any]:
    """Return a record such as a web service would send."""
    return {
        "id": number,
        "name": f"{chance.choice(words)} {chance.choice(words)}".title(),
        "city": chance.choice(CITIES),
        "joined": f"20{chance.randint(10, 25)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}",
        "score": round(chance.gauss(50, 15), 3),
        "tags": [chance.choice(words) for _ in range(chance.randint(1, 5))],
        "position": {"latitude": chance.uniform(-90, 90), "longitude": chance.uniform(-180, 180)},
        "note": sentence(chance, words),
    }


def database(documents: list[dict[str, Any]], chance: random.Random) -> sqlite3.Connection:
    """Build an in-memory database of the documents' people and their orders, with two indexes."""
    connection = sqlite3.connect(":memory:")
    connection.execute("create table person (id integer primary key, name text, city text, joined text, score real)")
    connection.execute("create table item (id integer primary key, person integer, price real, token blob)")
    fields = ("id", "name", "city", "joined", "score")
    connection.executemany("insert into person values (?, ?, ?, ?, ?)", ([d[f] for f in fields] for d in documents))
    rows = ((chance.randrange(len(documents)), chance.lognormvariate(3, 1), chance.randbytes(16)) for _ in documents)
    connection.executemany("insert into item (person, price, token) values (?, ?, ?)", rows)
    connection.execute("create index by_city on person (city, joined)")
    connection.execute("create index by_person on item (person)")
    connection.commit()
    return connection


def main(seed: int = 0, count: int = 12_000) -> None:
    """Fill memory, print READY, and wait for the end of standard input."""
    chance = random.Random(seed)
    words = vocabulary(chance)
    documents = [document(chance, words, number) for number in range(count)]
    encoded = [json.dumps(each) for each in documents]
    tables = database(documents, chance)
    text = "\n".join(sentence(chance, words) for _ in range(LINES_PER_DOCUMENT * count))
    parts = (len(documents), sum(map(len, encoded)), tables.total_changes, len(text))
    with contextlib.suppress(BrokenPipeError):  # the reader is gone, and standard input has ended
        os.write(sys.stdout.fileno(), f"READY {parts}\n".encode())  # files: a pipe, in a program of its own
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
