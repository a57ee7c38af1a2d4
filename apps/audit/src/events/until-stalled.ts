/**
 * Passes data through, and ends the source when its reader reads nothing for too long: then it frees its memory, although the reader is still
 * connected.
 * @param stallMs milliseconds that a piece may wait for its reader
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
