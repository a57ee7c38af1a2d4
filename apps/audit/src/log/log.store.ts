import { Inject, Injectable, Optional } from '@nestjs/common';
import {
  edgeOf,
  GrowingTree,
  leafOf,
  signCheckpoint,
  TileHashes,
  type Span,
  type Tile,
  type TilePlace,
  tilesOf,
} from '@countersign/merkle-log';
import { inTransaction, POOL, tryLock } from '@countersign/service-host';
import type pg from 'pg';
import { z } from 'zod';
import { LogReach } from './log-reach.js';
import { LOG_SIGNERS, type LogSigners } from './log-signer.js';
import { noteKeys } from './log-keys.store.js';

/** Maximum leaves of one integration: 2 MiB of hashes. */
const INTEGRATION_LIMIT = 65_536;
/** Maximum events hashed again in one go, if intake left no hashes. */
const REHASH_LIMIT = 1_000;
const LOCK = 'countersign.log-integration';

const index = z.string().transform(Number).pipe(z.int().nonnegative());
const signedRows = z.array(z.object({ tree_size: index, signed_at: z.date() }));
const checkpointRows = z.array(z.object({ tree_size: index, note: z.string() }));
const pendingRows = z.array(z.object({ first_index: index, leaf_hashes: z.instanceof(Buffer) }));
const tileRows = z.array(z.object({ level: z.number(), tile_index: index, hashes: z.instanceof(Buffer) }));
const headRows = z.tuple([z.object({ next_index: index, minimum_index: index })]);
const reachRow = z.tuple([z.object({ next_index: index, tree_size: index.nullable() })]);
const entryRows = z.array(z.object({ log_index: index, event: z.unknown() }));

/** A checkpoint as it was signed. */
export interface SignedCheckpoint {
  readonly treeSize: number;
  readonly note: string;
}

/** An event as a leaf of the log. */
export interface LogEntry {
  readonly logIndex: number;
  readonly json: string;
  readonly hash: Buffer;
}

type Queries = pg.Pool | pg.PoolClient;

/** The log in PostgreSQL: what waits to be integrated, tiles, checkpoints. */
@Injectable()
export class LogStore {
  constructor(
    @Inject(POOL) private readonly pool: pg.Pool,
    @Inject(LOG_SIGNERS) private readonly signers: LogSigners,
    @Optional() @Inject(LogReach) private readonly reach: LogReach = new LogReach(),
  ) {}

  /**
   * Adds the sequenced events to the tree and signs a checkpoint over it, all in one transaction. Only one replica at a time does this.
   * @returns the new checkpoint; undefined if there was nothing to do, or another replica is doing it
   * @throws {LogWentBack}
   */
  async integrate(): Promise<SignedCheckpoint | undefined> {
    if (await this.#isCovered()) return undefined;
    const checkpoint = await inTransaction(this.pool, (client) => this.#integrateLocked(client));
    if (checkpoint !== undefined) this.reach.saw(BigInt(checkpoint.treeSize));
    return checkpoint;
  }

  /** Whether the newest checkpoint covers every log index. An idle log is checked several times a second, and one statement is enough. */
  async #isCovered(): Promise<boolean> {
    const { end } = this.reach;
    const { rows } = await this.pool.query(
      'select next_index, (select max(tree_size) from log_checkpoint) as tree_size from log_sequence',
    );
    const [{ next_index: nextIndex, tree_size: treeSize }] = reachRow.parse(rows);
    this.reach.check(BigInt(nextIndex), end);
    // This also sees what other replicas append, so that replicas that append nothing themselves notice an older database.
    this.reach.saw(BigInt(nextIndex));
    return treeSize === nextIndex;
  }

  /** The size of the newest checkpoint, and when it was signed. */
  async newestSigned(): Promise<{ readonly treeSize: number; readonly signedAt: Date } | undefined> {
    const { rows } = await this.pool.query(
      'select tree_size, signed_at from log_checkpoint order by tree_size desc limit 1',
    );
    const [row] = signedRows.parse(rows);
    return row === undefined ? undefined : { treeSize: row.tree_size, signedAt: row.signed_at };
  }

  /** The newest checkpoint, or the newest of exactly that size. */
  async checkpoint(size?: number): Promise<SignedCheckpoint | undefined> {
    return this.#checkpoint(this.pool, size);
  }

  /** The newest checkpoint, for use as evidence: from now on it is kept. */
  async checkpointToKeep(): Promise<SignedCheckpoint | undefined> {
    const { rows } = await this.pool.query(
      `with newest as (select tree_size, note from log_checkpoint order by tree_size desc limit 1),
         kept as (insert into log_checkpoint_kept (tree_size) select tree_size from newest on conflict do nothing)
       select tree_size, note from newest`,
    );
    const [row] = checkpointRows.parse(rows);
    return row === undefined ? undefined : { treeSize: row.tree_size, note: row.note };
  }

  /** @returns the index of the next event, and the lowest one whose event is still here */
  async head(queries: Queries = this.pool): Promise<{ readonly nextIndex: number; readonly minimumIndex: number }> {
    const { rows } = await queries.query('select next_index, minimum_index from log_sequence, log_retention');
    const [{ next_index: nextIndex, minimum_index: minimumIndex }] = headRows.parse(rows);
    return { nextIndex, minimumIndex };
  }

  /** All the hashes that the spans need: one query, with at most one tile per level for each path. */
  async hashesOf(spans: readonly Span[]): Promise<TileHashes> {
    return new TileHashes(await this.tiles(tilesOf(spans)));
  }

  async tiles(places: readonly TilePlace[], queries: Queries = this.pool): Promise<readonly Tile[]> {
    if (places.length === 0) return [];
    const { rows } = await queries.query(
      `select level, tile_index, hashes from log_tile
       join unnest($1::smallint[], $2::bigint[]) as wanted (level, tile_index) using (level, tile_index)`,
      [places.map(({ level }) => level), places.map((place) => place.index)],
    );
    return tileRows.parse(rows).map(({ level, tile_index, hashes }) => ({ level, index: tile_index, hashes }));
  }

  /** The leaves from `first` (inclusive) to `end` (exclusive), from the events currently in the database. */
  async entries(first: number, end: number, queries: Queries = this.pool): Promise<readonly LogEntry[]> {
    const { rows } = await queries.query(
      'select log_index, event from event where log_index >= $1 and log_index < $2 order by log_index',
      [first, end],
    );
    return entryRows.parse(rows).map(({ log_index, event }) => ({ logIndex: log_index, ...leafOf(event) }));
  }

  /** The log index of an event. */
  async indexOf(eventId: string): Promise<number | undefined> {
    const { rows } = await this.pool.query('select log_index from event where id = $1', [eventId]);
    return z.array(z.object({ log_index: index })).parse(rows)[0]?.log_index;
  }

  async #integrateLocked(client: pg.PoolClient): Promise<SignedCheckpoint | undefined> {
    if (!(await tryLock(client, LOCK))) return undefined;
    const { end } = this.reach;
    const { nextIndex } = await this.head(client);
    this.reach.check(BigInt(nextIndex), end);
    const latest = await this.#checkpoint(client);
    const size = latest?.treeSize ?? 0;
    const leaves = await this.#waiting(client, size);
    if (leaves.length === 0 && latest !== undefined) return undefined;
    const tree = new GrowingTree(size, await this.tiles(edgeOf(size), client));
    const tiles = tree.append(leaves);
    const note = signCheckpoint(tree.size, tree.root(), ...this.signers);
    await client.query(
      `insert into log_tile (level, tile_index, hashes) select * from unnest($1::smallint[], $2::bigint[], $3::bytea[])
       on conflict (level, tile_index) do update set hashes = excluded.hashes`,
      [tiles.map(({ level }) => level), tiles.map((tile) => tile.index), tiles.map(({ hashes }) => hashes)],
    );
    await client.query('insert into log_checkpoint (tree_size, note) values ($1, $2)', [tree.size, note]);
    await noteKeys(client, this.signers, tree.size);
    await client.query('delete from log_unintegrated where first_index < $1', [tree.size]);
    return { treeSize: tree.size, note };
  }

  /** Leaf hashes from `size` on, in order. Intake stores them; if it did not, the events are hashed. */
  async #waiting(client: pg.PoolClient, size: number): Promise<Buffer> {
    const { rows } = await client.query(
      'select first_index, leaf_hashes from log_unintegrated where first_index >= $1 order by first_index limit $2',
      [size, INTEGRATION_LIMIT / 256],
    );
    const hashes: Buffer[] = [];
    let next = size;
    for (const pending of pendingRows.parse(rows)) {
      if (pending.first_index !== next || next - size >= INTEGRATION_LIMIT) break;
      hashes.push(pending.leaf_hashes);
      next += pending.leaf_hashes.length / 32;
    }
    if (hashes.length > 0) return Buffer.concat(hashes);
    const events = await this.entries(size, size + REHASH_LIMIT, client);
    const contiguous = events.filter(({ logIndex }, at) => logIndex === size + at);
    return Buffer.concat(contiguous.map(({ hash }) => hash));
  }

  async #checkpoint(queries: Queries, size?: number): Promise<SignedCheckpoint | undefined> {
    const { rows } = await queries.query(
      'select tree_size, note from log_checkpoint where $1::bigint is null or tree_size = $1 order by tree_size desc limit 1',
      [size ?? null],
    );
    const [row] = checkpointRows.parse(rows);
    return row === undefined ? undefined : { treeSize: row.tree_size, note: row.note };
  }
}
