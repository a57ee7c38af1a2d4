import { DIGEST_KEY, type RevocationBucket } from '@countersign/revocation-feed';
import { listedOf } from '../registry/listed-revocation.js';
import { type Replica } from '../registry/replica.service.js';
import { type RevocationRow } from '../registry/revocations.tables.js';
import { type BucketEntries } from './bucket-entries.js';
import { type Statements } from './statements.service.js';

/** Milliseconds for which a list that does not change is stated once. */
const RESTATE_EVERY_MS = 10_000;
/** Writes that are in progress to the bucket at once. */
const WRITES_AT_ONCE = 100;

/** Does the work for many items, some at once. */
export async function inBatches<Item>(items: readonly Item[], work: (item: Item) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < items.length; from += WRITES_AT_ONCE)
    await Promise.all(items.slice(from, from + WRITES_AT_ONCE).map(work));
}

/** Puts signed statements into the bucket: one for each revocation, and one of what the whole list is. */
export class BucketWriter {
  #writing = 0;
  #stating = false;
  #stated: { readonly number: number; readonly at: Date } | undefined;

  constructor(
    private readonly statements: Statements,
    private readonly entries: BucketEntries,
    private readonly replica: Replica,
    private readonly clock: () => Date,
  ) {}

  /** When this replica last stated the whole list. */
  get statedAt(): Date | undefined {
    return this.#stated?.at;
  }

  /** Database and bucket were compared: whatever this replica stated before no longer counts, lest a list that began again is never stated. */
  compared(): void {
    if (this.#stated !== undefined) this.#stated = { ...this.#stated, number: 0 };
  }

  async put(bucket: RevocationBucket, row: RevocationRow): Promise<void> {
    this.#writing += 1;
    try {
      const text = this.statements.ofRow(row);
      await bucket.put(row.bucketKey, text);
      const statement = { ...listedOf(row), madeAt: row.changedAt.getTime() };
      this.entries.keep(row.bucketKey, text, { is: 'statement', statement, isByActiveKey: true });
    } finally {
      this.#writing -= 1;
    }
  }

  putAll(bucket: RevocationBucket, rows: readonly RevocationRow[]): Promise<void> {
    return inBatches(rows, (row) => this.put(bucket, row));
  }

  /**
   * States the whole list when it has changed, and now and then when it has not, so that validators can distinguish a broken feed from a quiet one.
   * Waits for a later call while entries are being written.
   * @returns false where the database is behind what was stated: it was restored, and what was stated shows that to the comparison
   */
  async stateList(bucket: RevocationBucket): Promise<boolean> {
    if (this.#stating || this.#writing > 0) return true;
    const { revocations: number } = this.replica.ground;
    if (number < (this.#stated?.number ?? 0)) return false;
    const age = this.clock().getTime() - (this.#stated?.at.getTime() ?? -Infinity);
    if (number === this.#stated?.number && age >= 0 && age < RESTATE_EVERY_MS) return true;
    this.#stating = true;
    try {
      const at = this.clock();
      await bucket.put(DIGEST_KEY, this.statements.ofList());
      this.#stated = { number, at };
    } finally {
      this.#stating = false;
    }
    return true;
  }
}
