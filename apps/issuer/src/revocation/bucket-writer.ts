import { DIGEST_KEY, type RevocationBucket } from '@countersign/revocation-feed';
import { listedOf } from '../registry/listed-revocation.js';
import { type Replica } from '../registry/replica.service.js';
import { type RevocationRow } from '../registry/revocations.tables.js';
import { type BucketEntries } from './bucket-entries.js';
import { type Statements } from './statements.service.js';

/** Milliseconds between two statements of an unchanged list. */
const RESTATE_EVERY_MS = 10_000;
/** Maximum concurrent writes to the bucket. */
const WRITES_AT_ONCE = 100;

/** Does the work for many items, some of them concurrently. */
export async function inBatches<Item>(items: readonly Item[], work: (item: Item) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < items.length; from += WRITES_AT_ONCE)
    await Promise.all(items.slice(from, from + WRITES_AT_ONCE).map(work));
}

/** Puts signed statements into the bucket: one for each revocation, and one about the whole list. */
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

  /** When this replica last published the state of the whole list. */
  get statedAt(): Date | undefined {
    return this.#stated?.at;
  }

  /** Database and bucket were compared: this replica's earlier statements no longer count, so that the state of a recreated list is published. */
  compared(): void {
    if (this.#stated !== undefined) this.#stated = { ...this.#stated, number: 0 };
  }

  async put(bucket: RevocationBucket, row: RevocationRow): Promise<void> {
    this.#writing += 1;
    try {
      const text = await this.statements.ofRow(row);
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
   * Publishes the state of the whole list when it changes, and periodically when it does not, so that validators can distinguish a broken feed from a quiet one.
   * Waits for a later call while entries are being written.
   * @returns false if the database is behind what was published: it was restored, which the comparison then finds out
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
      await bucket.put(DIGEST_KEY, await this.statements.ofList());
      this.#stated = { number, at };
    } finally {
      this.#stating = false;
    }
    return true;
  }
}
