import {
  copyOf,
  spanHash,
  TileHashes,
  tilePath,
  tilesOf,
  tileWidthAt,
  type Bytes,
  type Span,
  type Tile,
} from '@countersign/merkle-log';
import { send, valueOf, whole } from '../api/client.js';

/** The log's public side (C2SP tlog-tiles): what a verifier needs and need not trust. */
export interface LogSource {
  /** The newest signed checkpoint. */
  checkpoint(): Promise<string>;
  /** The log's verifier keys. */
  keys(): Promise<readonly string[]>;
  /** Bytes of a path below `/log/`. */
  bytes(path: string): Promise<Uint8Array>;
}

async function response(path: string): Promise<Response> {
  return valueOf(await send(`/log/${path}`));
}

/** The log of this page's server. */
export const serverLog: LogSource = {
  checkpoint: async () => whole((await response('checkpoint')).text()),
  keys: async () => (await whole((await response('key')).text())).split('\n').filter((line) => line !== ''),
  bytes: async (path) => new Uint8Array(await whole((await response(path)).arrayBuffer())),
};

/** Tiles that are fetched at the same time. */
const AT_ONCE = 8;

/** Reads hashes of a log's tree from its tiles, each fetched once. A tile's content counts only if it leads to a signed root. */
export class TreeReader {
  readonly #tiles = new Map<string, Promise<Bytes>>();

  /** @param size of the tree that is read */
  constructor(
    private readonly log: Pick<LogSource, 'bytes'>,
    private readonly size: number,
  ) {}

  /** How many tiles were fetched. */
  get fetched(): number {
    return this.#tiles.size;
  }

  /** The hashes of spans that are nodes of the tree, in their order. */
  async hashesOf(spans: readonly Span[]): Promise<readonly Bytes[]> {
    const places = tilesOf(spans);
    const tiles: Tile[] = [];
    for (let at = 0; at < places.length; at += AT_ONCE) {
      const some = places.slice(at, at + AT_ONCE);
      tiles.push(
        ...(await Promise.all(
          some.map(async ({ level, index }) => ({ level, index, hashes: await this.#tile(level, index) })),
        )),
      );
    }
    const known = new TileHashes(tiles);
    return spans.map((span) => spanHash(span, known));
  }

  /** The leaf hash at an index. */
  async leafAt(index: number): Promise<Bytes | undefined> {
    const [hash] = await this.hashesOf([{ first: index, end: index + 1 }]);
    return hash;
  }

  #tile(level: number, index: number): Promise<Bytes> {
    const path = tilePath({ level, index, width: tileWidthAt(level, index, this.size) });
    const known = this.#tiles.get(path);
    if (known !== undefined) return known;
    const fetched = this.log.bytes(path).then(copyOf);
    this.#tiles.set(path, fetched);
    return fetched;
  }
}
