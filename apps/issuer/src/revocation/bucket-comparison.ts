import { DIGEST_KEY, type RevocationBucket } from '@countersign/revocation-feed';
import { listedOf } from '../registry/listed-revocation.js';
import { type ListedRevocations } from '../registry/listed-revocations.store.js';
import { type Replica } from '../registry/replica.service.js';
import { differenceOf, type Reading } from './bucket-difference.js';
import { type BucketEntries } from './bucket-entries.js';
import { inBatches, type BucketWriter } from './bucket-writer.js';
import { type Restoration } from './restoration.service.js';
import { type RevocationsStore } from './revocations.store.js';

/** What a comparison found. */
export interface Compared {
  /** Revocations that the bucket lacked. */
  readonly repaired: number;
  /** Entries of the bucket that are signed with a key that this database does not know. */
  readonly ofUnknownKey: number;
}

/** Compares database and bucket and repairs the bucket. If the bucket is ahead, the database was restored from a backup. */
export class BucketComparison {
  constructor(
    private readonly store: RevocationsStore,
    private readonly listed: ListedRevocations,
    private readonly replica: Replica,
    private readonly restoration: Restoration,
    private readonly entries: BucketEntries,
    private readonly writer: BucketWriter,
    private readonly clock: () => Date,
  ) {}

  /** @param open opens or creates the bucket. @returns the opened bucket, with the findings */
  async run(open: () => Promise<RevocationBucket>): Promise<Compared & { readonly bucket: RevocationBucket }> {
    const bucket = await open();
    // The bucket first: its entries were committed earlier, so the rows read afterwards cannot lack a new one.
    const held = await bucket.read();
    await this.replica.refresh();
    const readings = await this.entries.read(held);
    await this.store.prune(this.clock());
    const rows = new Map((await this.listed.inForce(this.clock())).map((row) => [row.bucketKey, row]));
    const wanted = [...rows].map(([key, row]) => ({ key, listed: listedOf(row) }));
    const read = (key: string): Reading => readings.get(key) ?? { is: 'unreadable' };
    const stated = this.entries.statedNumber(held.get(DIGEST_KEY));
    const isBehind = this.restoration.isBehind(stated);
    const isRestored = isBehind || this.replica.restoredAt !== undefined;
    const found = differenceOf(new Set(held.keys()), read, wanted, this.clock().getTime() / 1_000, isRestored);
    if (stated !== undefined && (isBehind || found.adopt.length > 0)) {
      await this.restoration.notice(stated, found.adopt);
      return this.run(open);
    }
    this.restoration.compared();
    // Free space first: a full bucket accepts nothing until something is removed.
    await inBatches(found.purge, async (key) => {
      await bucket.purge(key);
      this.entries.forget(key);
    });
    const missing = found.put.map((key) => rows.get(key)).filter((row) => row !== undefined);
    await this.writer.putAll(bucket, missing);
    await this.store.markPushed(
      [...rows.values()].filter(({ pushedAt }) => pushedAt === null),
      this.clock(),
    );
    return { bucket, repaired: missing.length, ofUnknownKey: found.unknown.length };
  }
}
