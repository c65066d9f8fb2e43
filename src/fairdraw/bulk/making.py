"""Each chunk of a source becomes a batch: by a compiled sealer where there is one and it reads such rows."""

from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, TypeVar

from fairdraw.bulk.batch import Batch
from fairdraw.bulk.compiled import quick
from fairdraw.bulk.numbers import Assigned
from fairdraw.bulk.sealing import Keyed, key_rows, seal_rows
from fairdraw.bulk.sources import Chunk, Place, Source
from fairdraw.registry.layout import Layout
from transparency_log import fast
from transparency_log.tree import read_ahead

if TYPE_CHECKING:  # it needs the fast path
    from fairdraw.bulk.quick import QuickSealer

_HASHES: Final = 8  # of a row, about: a field takes three

Made = TypeVar("Made", Batch, Keyed)


def pays(source: Source) -> bool:
    """Say whether a source has so many rows that they are worth the start of the compiled code."""
    extent = source.extent
    return fast.pays(fast.PAYS_FROM if extent is None else hashes_of(extent[0]))


def hashes_of(rows: float) -> int:
    """Return about how many hashes it takes to seal so many rows."""
    return int(rows * _HASHES)


class Sealing:
    """What is made of the chunks of one source, in their order, by `workers` compiled sealers; 0: by plain code."""

    def __init__(self, source: Source, layout: Layout, secret: bytes, *, keep_private: bool, workers: int) -> None:
        self._source, self._layout, self._secret, self._keep_private = source, layout, secret, keep_private
        self._workers = workers

    def batches(self, place: Place, numbers: Assigned | None, before: int = 0) -> Iterator[tuple[Chunk, Batch]]:
        """Yield the batches from a place on; `numbers` are those that were assigned, `before` lines further down."""
        layout, secret, keep = self._layout, self._secret, self._keep_private

        def number_of(chunk: Chunk) -> Callable[[int], str | None] | None:
            return None if numbers is None else _numbers_of(numbers, chunk, before)

        def plainly(chunk: Chunk) -> Batch:
            return seal_rows(chunk.rows(), layout, secret, keep_private=keep, number_of=number_of(chunk))

        def quickly(sealer: "QuickSealer", chunk: Chunk) -> Batch:
            if chunk.csv is None:
                return sealer.arrow(chunk.arrow, chunk.line, number_of(chunk))
            return sealer.csv(chunk.csv(), chunk.line, number_of(chunk))

        return self._of_chunks(place, plainly, quickly)

    def keyed(self, place: Place) -> Iterator[tuple[Chunk, Keyed]]:
        """Yield what the rows from a place on are before they have numbers."""

        def plainly(chunk: Chunk) -> Keyed:
            return key_rows(chunk.rows(), self._layout)

        def quickly(sealer: "QuickSealer", chunk: Chunk) -> Keyed:
            if chunk.csv is None:
                return sealer.arrow_keys(chunk.arrow, chunk.line)
            return sealer.csv_keys(chunk.csv(), chunk.line)

        return self._of_chunks(place, plainly, quickly)

    def _of_chunks(
        self, place: Place, plainly: Callable[[Chunk], Made], quickly: Callable[["QuickSealer", Chunk], Made]
    ) -> Iterator[tuple[Chunk, Made]]:
        free: SimpleQueue[QuickSealer] = SimpleQueue()  # each serves one thread at a time
        if self._workers and (module := quick()):
            for _ in range(self._workers):
                free.put(module.QuickSealer(self._layout, self._secret, keep_private=self._keep_private))
        plain = free.empty()

        def make(chunk: Chunk) -> tuple[Chunk, Made]:
            if plain or (chunk.csv is None and chunk.arrow is None):
                return chunk, plainly(chunk)
            sealer = free.get()
            try:
                return chunk, quickly(sealer, chunk)
            finally:
                free.put(sealer)

        return read_ahead(make, self._source.chunks(place), self._workers)


def _numbers_of(numbers: Assigned, chunk: Chunk, before: int) -> Callable[[int], str | None]:
    known = numbers.between(chunk.line + before, chunk.after.line + before)
    return lambda line: None if (no := known.get(line + before)) is None else no.decode()
