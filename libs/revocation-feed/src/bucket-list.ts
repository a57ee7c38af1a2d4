import { type Revocation } from '@countersign/auth-core';
import { type NatsConnection } from '@nats-io/nats-core';
import { DIGEST_KEY, readBucket, readDigestEntry } from './bucket-reader.js';
import { type HeldList } from './held-list.js';
import { StatementError } from './read-statement.js';
import { type SignedDigest, type Statement } from './statement.js';

/** Milliseconds for which an entry may be behind the statement that counts it. */
const SETTLING_MS = 250;
/** Milliseconds for which entries are verified without a pause, so that requests are answered while a long list is read. */
const SLICE_MS = 5;

/** From where the list is read, and what follows from its entries. */
export interface BucketListOptions {
  /** The subject to ask for entries. */
  readonly getSubject: string;
  readonly makeList: () => HeldList;
  /** Fetches the issuer's keys for one that is new to us. @returns whether it is there now; one that is made up causes no fetch for long */
  readonly fetchKey: (keyId: string) => Promise<boolean>;
  /** Called for each entry that is in force from now on. */
  readonly onRevocation: (revocation: Revocation) => void;
  /** Called for each entry that cannot be trusted. */
  readonly onRefused: (key: string, error: unknown) => void;
  /** Waits about so many milliseconds. */
  readonly pause: (ms: number) => Promise<void>;
}

/** The list as the bucket has it: its entries are taken as they come, and all of them are read when what is held is not what the issuer states. */
export class BucketList {
  #held: HeldList;
  /** Built from scratch alongside the current one, when a key is no longer the issuer's: what it signed must not stay. */
  #next: HeldList | undefined;
  /** The stream's number up to which the bucket was read. */
  #through = 0;
  #sliceEnd = 0;

  constructor(private readonly options: BucketListOptions) {
    this.#held = options.makeList();
  }

  get held(): HeldList {
    return this.#held;
  }

  /** Holds a list that was kept in a file. */
  hold(kept: HeldList): void {
    this.#held = kept;
  }

  /** Makes the list from nothing with the next {@link update}, and holds the old one until it is complete. */
  startAgain(): void {
    this.#next = this.options.makeList();
  }

  /** @returns an entry's content; undefined if it cannot be trusted, or is the statement of the whole list */
  async take(key: string, text: string): Promise<Statement | undefined> {
    try {
      return this.#takeNow(key, text);
    } catch (error) {
      const keyId = error instanceof StatementError ? error.keyId : undefined;
      if (keyId === undefined || !(await this.options.fetchKey(keyId))) {
        this.options.onRefused(key, error);
        return undefined;
      }
      try {
        return this.#takeNow(key, text);
      } catch (again) {
        this.options.onRefused(key, again);
        return undefined;
      }
    }
  }

  #takeNow(key: string, text: string): Statement | undefined {
    this.#next?.take(key, text);
    const statement = this.#held.take(key, text);
    if (statement !== undefined) this.options.onRevocation(statement.revocation);
    return statement;
  }

  /**
   * Brings the list up to date with the issuer's statement: first by waiting a moment, then by reading what is new, then by reading everything.
   * @param isBehind whether entries may have been missed: then what is new is read first
   * @returns the issuer's statement of the whole list, which it is
   * @throws when it is not
   */
  async update(connection: NatsConnection, isBehind: boolean): Promise<SignedDigest> {
    this.#held.prune();
    if (this.#next !== undefined) await this.#rebuild(connection, this.#next);
    if (isBehind) await this.#read(connection, this.#through + 1);
    await this.#readStated(connection);
    if (!this.#held.isComplete) {
      await this.options.pause(SETTLING_MS);
      await this.#readStated(connection);
    }
    for (const from of [this.#through + 1, 1]) {
      if (this.#held.isComplete) break;
      await this.#read(connection, from);
      await this.#readStated(connection);
    }
    const { stated, isComplete } = this.#held;
    if (stated === undefined) throw new Error('the issuer has not published the state of its list');
    if (isComplete) return stated;
    throw new Error(
      `the list differs from the issuer's, which has ${String(stated.entries)} entries up to number ${String(stated.number)}`,
    );
  }

  async #read(connection: NatsConnection, from: number): Promise<void> {
    const { getSubject } = this.options;
    const take = async ({ key, value }: { key: string; value: string }): Promise<void> => {
      await this.take(key, value);
      await this.#breathe();
    };
    const last = await readBucket(connection, getSubject, from, take);
    // A bucket that is shorter than before is a different one.
    this.#through = last < this.#through && from > 1 ? await readBucket(connection, getSubject, 1, take) : last;
  }

  async #readStated(connection: NatsConnection): Promise<void> {
    const entry = await readDigestEntry(connection, this.options.getSubject);
    if (entry !== undefined) await this.take(DIGEST_KEY, entry.value);
  }

  /** The list built from scratch with the current keys; it replaces the old one once it is complete. */
  async #rebuild(connection: NatsConnection, next: HeldList): Promise<void> {
    await this.#read(connection, 1);
    await this.#readStated(connection);
    if (!next.isComplete || this.#next !== next) return;
    this.#held = next;
    this.#next = undefined;
  }

  async #breathe(): Promise<void> {
    if (performance.now() < this.#sliceEnd) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#sliceEnd = performance.now() + SLICE_MS;
  }
}
