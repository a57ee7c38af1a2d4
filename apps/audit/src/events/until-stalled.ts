/**
 * Passes on what comes, and ends the source when its reader takes nothing for too long: then it frees what it holds, although the reader is still
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
