"""Generates the golden files and documents of the public events: `make contracts`."""

import json
import sys
from pathlib import Path

import msgspec

from shared.contracts.catalogue import MESSAGES, TYPES
from shared.eventstore.codec import Codec
from tests.contracts import frozen
from tests.contracts.asyncapi import asyncapi
from tests.contracts.document import events_page
from tests.contracts.headers import NAME, envelope_sample, envelope_schema
from tests.contracts.produced import all_keys
from tests.contracts.samples import SAMPLES
from tests.contracts.schemas import Schema, schema_of

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = "shared/contracts/golden"
FROZEN = f"{GOLDEN}/FROZEN"


def committed(path: str, root: Path = ROOT) -> str:
    """Return what a file holds, "" where there is none."""
    file = root / path
    return file.read_text() if file.exists() else ""


def golden(name: str, what: str) -> str:
    return f"{GOLDEN}/{name}.{what}.json"


def samples() -> dict[str, str]:
    """Return each sample: exactly the value on the wire, only laid out in lines."""
    codec = Codec(MESSAGES)
    encoded = dict(codec.encode(sample) for sample in SAMPLES)
    encoded[NAME] = msgspec.json.encode(envelope_sample())
    return {name: msgspec.json.format(value, indent=2).decode() + "\n" for name, value in encoded.items()}


def schemas(root: Path = ROOT) -> dict[str, Schema]:
    """Return each schema; of an older version that no record stands for any more, the committed one."""
    keys = all_keys()
    found = {TYPES[kind]: schema_of(TYPES[kind], kind, keys[TYPES[kind]]) for kind in TYPES}
    for name in frozen.parse(committed(FROZEN, root)).keys() - found.keys():
        if text := committed(golden(name, "schema"), root):
            found[name] = json.loads(text)
    return found | {NAME: envelope_schema()}


def generated(root: Path = ROOT) -> dict[str, str]:
    """Return path -> text of everything that is generated."""
    told, shown = schemas(root), samples()
    for name in told.keys() - shown.keys():  # an older version
        shown[name] = committed(golden(name, "sample"), root)
    files = {golden(name, "schema"): in_order(schema) for name, schema in told.items()}
    files |= {golden(name, "sample"): text for name, text in shown.items()}
    files[FROZEN] = frozen.render(frozen.digests(told) | frozen.parse(committed(FROZEN, root)))
    files["docs/events.md"] = events_page(told)
    files["docs/asyncapi.json"] = in_order(asyncapi(told, shown))
    return files


def in_order(value: object) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def broken(root: Path = ROOT) -> list[str]:
    """Return what was changed although it is frozen."""
    return frozen.changed(frozen.parse(committed(FROZEN, root)), frozen.digests(schemas(root)))


def drift(files: dict[str, str], root: Path = ROOT) -> list[str]:
    """Return a sentence for every committed file that is not as generated, with the remedy."""
    left_over = {path.relative_to(root).as_posix() for path in (root / GOLDEN).glob("*")} - files.keys()
    different = {path for path, text in files.items() if committed(path, root) != text}
    return [f"{path} is not what the contracts say: run `make contracts`" for path in sorted(different | left_over)]


def write(root: Path = ROOT) -> list[str]:
    """Write every file anew, remove what is left over, and return what was done; refuses to change what is frozen."""
    if problems := broken(root):
        sys.exit("\n".join(problems))
    files, done = generated(root), []
    for sentence in drift(files, root):
        path = sentence.split()[0]
        if path in files:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(files[path])
        else:
            (root / path).unlink()
        done.append(f"{'wrote' if path in files else 'removed'} {path}")
    return done


if __name__ == "__main__":
    print("\n".join(write()) or "nothing to do")
