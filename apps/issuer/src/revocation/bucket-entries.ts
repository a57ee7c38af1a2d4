import { bucketKeyOf, DIGEST_KEY, StatementError } from '@countersign/revocation-feed';
import { type Reading } from './bucket-difference.js';
import { type Statements } from './statements.service.js';

/** Maximum entries read in one go, so that requests are answered in between. */
const READ_AT_ONCE = 100;

interface Known {
  readonly text: string;
  readonly reading: Reading;
}

/** The content of the bucket's entries. A signature that was verified or made here is not verified again. */
export class BucketEntries {
  /** What this replica has put into the bucket, or verified there. */
  readonly #known = new Map<string, Known>();

  constructor(private readonly statements: Pick<Statements, 'isByActiveKey' | 'read' | 'readList'>) {}

  /** Remembers what this replica itself has put there. */
  keep(key: string, text: string, reading: Reading): void {
    this.#known.set(key, { text, reading });
  }

  forget(key: string): void {
    this.#known.delete(key);
  }

  /** Reads everything in the bucket, and drops the rest. @param held texts by key */
  async read(held: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, Reading>> {
    const readings = new Map<string, Reading>();
    for (const [key, text] of held) {
      const known = this.#known.get(key);
      const reading = known?.text === text ? this.#again(known.reading, text) : this.#read(key, text);
      this.#known.set(key, { text, reading });
      readings.set(key, reading);
      if (readings.size % READ_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    for (const key of this.#known.keys()) if (!held.has(key)) this.#known.delete(key);
    return readings;
  }

  /** The last number that the issuer has published. @returns undefined without a valid statement */
  statedNumber(text: string | undefined): number | undefined {
    try {
      return text === undefined ? undefined : this.statements.readList(text).number;
    } catch (error) {
      if (error instanceof StatementError) return undefined;
      throw error;
    }
  }

  /** The keys may have changed since. */
  #again(reading: Reading, text: string): Reading {
    if (reading.is !== 'statement') return reading;
    return { ...reading, isByActiveKey: this.statements.isByActiveKey(text) };
  }

  #read(key: string, text: string): Reading {
    if (key === DIGEST_KEY) return { is: 'unreadable' };
    try {
      const statement = this.statements.read(text);
      if (bucketKeyOf(statement.revocation) !== key) return { is: 'unreadable' };
      return { is: 'statement', statement, isByActiveKey: this.statements.isByActiveKey(text) };
    } catch (error) {
      if (!(error instanceof StatementError)) throw error;
      return { is: error.keyId === undefined ? 'unreadable' : 'of unknown key' };
    }
  }
}
