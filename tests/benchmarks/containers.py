"""What taking in one large list, mailbox or archive costs: articles a second, and the memory of each process.

    python -m tests.benchmarks.containers [RECORDS [NAME ...]]

A list of RECORDS (20,000) articles of about 1.5 kB is imported as JSON Lines, JSON, CSV, a mailbox and a ZIP
archive of texts, each into a database of its own; then once more, unchanged and with its time changed.

24 November 2026, seconds of CPU on a machine that was busy with other things (JSON 10,000 records, the others
4,000), CPython 3.11. One that changed is read and labelled again as a whole:

==========  ==================  =================  ===================  =========  =========
file        articles / CPU s    unchanged, CPU s   changed at its end   parent MB  worker MB
==========  ==================  =================  ===================  =========  =========
list.jsonl  237                 1.9                41                   120        94
list.json   237                 2.3                42                   120        93
list.csv    180                 2.1                19                   116        90
in.mbox     185                 2.4                25                   115        91
texts.zip   150                 2.1                26                   114        94
==========  ==================  =================  ===================  =========  =========
"""

from __future__ import annotations

import csv
import io
import json
import os
import random
import resource
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import DEVNULL, Popen

WORDS = (
    "council",
    "embargo",
    "envoy",
    "panel",
    "report",
    "licence",
    "ministry",
    "export",
    "drone",
    "garden",
    "ship",
)


def articles(count: int) -> Iterator[tuple[int, str, str]]:
    """Number, title and text of made-up articles."""
    chance = random.Random(1)
    for number in range(count):
        words = [chance.choice(WORDS) for _ in range(220)]
        yield (
            number,
            f"{' '.join(words[:6])} {number}",
            ". ".join(" ".join(words[n : n + 11]) for n in range(0, 220, 11)),
        )


def json_lines(count: int) -> bytes:
    return "\n".join(json.dumps({"id": n, "title": t, "text": x}) for n, t, x in articles(count)).encode()


def json_list(count: int) -> bytes:
    return json.dumps([{"id": n, "title": t, "text": x} for n, t, x in articles(count)]).encode()


def table(count: int) -> bytes:
    file = io.StringIO()
    csv.writer(file).writerows([("id", "title", "text"), *articles(count)])
    return file.getvalue().encode()


def mailbox(count: int) -> bytes:
    return "".join(
        f"From a@x Tue Jun 18 09:45:00 2024\nFrom: a@x\nTo: b@x\nMessage-ID: <{n}@x>\nSubject: {t}\n\n{x}\n\n"
        for n, t, x in articles(count)
    ).encode()


def archive(count: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for n, t, x in articles(count):
            made.writestr(f"{n % 100}/{n}.txt", f"{t}\n\n{x}\n")
    return file.getvalue()


class Watch(threading.Thread):
    """Follows a process and its children: the most memory that each kind had."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.parent = self.child = 0
        self.start()

    def run(self) -> None:
        while Path(f"/proc/{self.pid}").exists():
            self.parent = max(self.parent, _resident(self.pid))
            for folder in Path("/proc").iterdir():
                if folder.name.isdigit() and _parent(folder) == self.pid:
                    self.child = max(self.child, _resident(int(folder.name)))
            time.sleep(0.2)


def _resident(pid: int) -> int:
    """Megabytes."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // 1_000_000


def _parent(folder: Path) -> int:
    try:
        return int(
            (folder / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[1]
        )
    except (OSError, ValueError, IndexError):
        return 0


def take(path: Path, home: Path) -> tuple[float, float, Watch]:
    """Import a file in a process of its own: seconds, those of the processor, and the memory it took."""
    begun, before = time.perf_counter(), _spent()
    environ = {**os.environ, "WIREWATCH_DATABASE": str(home / f"{path.name}.db"), "HOME": str(home)}
    command = [str(Path(sys.executable).parent / "wirewatch"), "import", str(path)]
    with Popen(command, env=environ, stdout=DEVNULL, stderr=DEVNULL, cwd=home) as process:
        watch = Watch(process.pid)
        if process.wait():
            raise SystemExit(f"importing {path.name} failed: exit code {process.returncode}")
    watch.join(1)
    return time.perf_counter() - begun, _spent() - before, watch


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    chosen = sys.argv[2:]
    made: dict[str, Callable[[int], bytes]] = {
        "list.jsonl": json_lines,
        "list.json": json_list,
        "list.csv": table,
        "in.mbox": mailbox,
        "texts.zip": archive,
    }
    print(
        "file         MB   first s  CPU s  articles/CPU s   unchanged CPU s   re-read CPU s  "
        "parent MB  worker MB"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, make in made.items():
            if chosen and name not in chosen:
                continue
            path = Path(folder) / name
            path.write_bytes(make(count))
            first, spent, watch = take(path, Path(folder))
            _, again, _ = take(path, Path(folder))
            path.write_bytes(path.read_bytes() + b"\n")
            _, changed, _ = take(path, Path(folder))
            size = path.stat().st_size / 1e6
            print(
                f"{name:<10} {size:>4.0f} {first:>9.0f} {spent:>6.0f} {count / spent:>15.0f} {again:>17.1f} "
                f"{changed:>15.0f} {watch.parent:>10} {watch.child:>10}",
                flush=True,
            )


if __name__ == "__main__":
    main()
