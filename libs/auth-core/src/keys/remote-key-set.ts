import { isObject, parseJsonObject } from '../jws/json-object.js';
import { verificationKeyOf, type VerificationKey } from './jwk.js';

export interface RemoteKeySetOptions {
  readonly url: string;
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds that one fetch may take. */
  readonly timeoutMs: number;
  /** Seconds between two background refreshes. */
  readonly refreshIntervalSeconds: number;
  /** Seconds in which unknown `kid`s cause one fetch at the most. */
  readonly cooldownSeconds: number;
  /** Seconds for which the last good set is kept through an outage of the issuer. */
  readonly maxStaleSeconds: number;
  readonly onKeys: (keyIds: ReadonlySet<string>) => void;
}

/** Bytes that a JWKS document may have at the most. */
export const JWKS_SIZE_LIMIT = 256 * 1024;
const FIRST_RETRY_MS = 100;

async function readLimited(response: Response): Promise<Buffer> {
  if (response.body === null) return Buffer.alloc(0);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > JWKS_SIZE_LIMIT) throw new Error(`the JWKS is larger than ${String(JWKS_SIZE_LIMIT)} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * The issuer's keys (RFC 7517), held in memory: refreshed in the background before they go stale, kept through an outage, one fetch at
 * a time. A failed fetch is tried again with growing pauses.
 */
export class RemoteKeySet {
  #keys: ReadonlyMap<string, VerificationKey> = new Map();
  #usableUntil = -Infinity;
  #unknownFetchAt = -Infinity;
  #fetching: Promise<boolean> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #retryMs = FIRST_RETRY_MS;
  #closed = false;
  /** Why the last fetch failed; empty when it did not. */
  lastError = '';

  constructor(private readonly options: RemoteKeySetOptions) {}

  /** Whether there are keys, and not older than the outage limit. */
  get usable(): boolean {
    return this.usableAt(this.options.now());
  }

  /** As {@link usable}, at a time. @param now milliseconds */
  usableAt(now: number): boolean {
    return now <= this.#usableUntil;
  }

  get(keyId: string): VerificationKey | undefined {
    return this.#keys.get(keyId);
  }

  /** Fetches now, or joins the fetch under way. @returns whether it brought keys */
  refresh(): Promise<boolean> {
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  /** One fetch for an unknown `kid`; within the cool-down none, whatever arrives. @returns whether a fetch was made and brought keys */
  async refreshForUnknownKey(): Promise<boolean> {
    if (this.#fetching !== undefined) return this.#fetching;
    const now = this.options.now();
    if (now - this.#unknownFetchAt < this.options.cooldownSeconds * 1_000) return false;
    this.#unknownFetchAt = now;
    return this.refresh();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #fetch(): Promise<boolean> {
    clearTimeout(this.#timer);
    try {
      const response = await this.options.fetch(this.options.url, {
        headers: { accept: 'application/jwk-set+json, application/json' },
        redirect: 'error',
        signal: AbortSignal.timeout(this.options.timeoutMs),
      });
      if (!response.ok) throw new Error(`the JWKS was answered with ${String(response.status)}`);
      const { keys } = parseJsonObject(await readLimited(response));
      const entries = (Array.isArray(keys) ? keys.slice(0, 100) : []).filter(isObject).map(verificationKeyOf);
      const known = new Map(entries.filter((key) => key !== undefined).map((key) => [key.keyId, key] as const));
      if (known.size === 0) throw new Error('the JWKS holds no usable key');
      this.#keys = known;
      this.#usableUntil = this.options.now() + this.options.maxStaleSeconds * 1_000;
      this.#retryMs = FIRST_RETRY_MS;
      this.lastError = '';
      this.options.onKeys(new Set(known.keys()));
      this.#schedule(this.options.refreshIntervalSeconds * 1_000 * (0.9 + Math.random() * 0.2));
      return true;
    } catch (error) {
      this.lastError = error instanceof Error ? error.message : String(error);
      this.#schedule(this.#retryMs * (0.5 + Math.random()));
      this.#retryMs = Math.min(this.#retryMs * 2, 30_000);
      return false;
    }
  }

  #schedule(ms: number): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      void this.refresh();
    }, ms);
    this.#timer.unref();
  }
}
