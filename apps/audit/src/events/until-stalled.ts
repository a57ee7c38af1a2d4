/**
 * Passes data through, and ends the source if its reader reads nothing for too long, to free its memory although the reader is still
 * connected.
 * @param stallMs maximum milliseconds that a chunk may wait for its reader
 */
export async function* untilStalled<Piece>(source: AsyncGenerator<Piece>, stallMs: number): AsyncGenerator<Piece> {
  for await (const piece of source) {
    const timer = setTimeout(() => void source.return(undefined), stallMs);
    try {
      yield piece;
    } finally {
      clearTimeout(timer);
    }
  }
}
