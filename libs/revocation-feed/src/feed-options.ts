import { type RevocationList } from '@countersign/auth-core';
import { type NatsConnection } from '@nats-io/nats-core';

/** Where the feed logs; pino fits. */
export interface FeedLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** Whose revocations the feed follows, and what it does while it cannot. */
export interface RevocationFeedOptions {
  /** The issuer identifier, as the tokens have it. */
  readonly issuer: string;
  /** Where the issuer publishes the keys of its revocations; its `/.well-known/revocation-jwks.json` by default. */
  readonly keysUrl?: string | undefined;
  /** A file that keeps the last good of these keys (written 0600), so that a start during an outage of the issuer works; none by default. */
  readonly keysFile?: string | undefined;
  readonly fetch?: typeof globalThis.fetch | undefined;
  /**
   * Connects to NATS; called again after a failure and after the connection has closed. Let it reconnect by itself forever.
   * The signal ends an attempt that is no longer wanted.
   */
  readonly connect: (signal: AbortSignal) => Promise<NatsConnection>;
  /**
   * The subject to ask for entries: `revocations.get`, the import of another account than the issuer's, by default;
   * `$JS.API.DIRECT.GET.KV_revocations` in the issuer's own account.
   */
  readonly getSubject?: string | undefined;
  /** A file that keeps the list, signed as it is, through a restart; none by default. */
  readonly listFile?: string | undefined;
  /**
   * What a validator does after losing the feed: `accept` continues with its list for `graceSeconds`, and then refuses; `refuse` answers 503 immediately.
   * `accept` by default.
   */
  readonly whenLost?: 'accept' | 'refuse' | undefined;
  /**
   * What a validator does that holds no list yet: `refuse` answers 503 until it has loaded one, or found a kept one that is not older than
   * `graceSeconds`; `accept` takes every token for `graceSeconds`. `refuse` by default.
   */
  readonly atStart?: 'accept' | 'refuse' | undefined;
  /** Seconds of `accept`: as long as a token may live, 900 by default. */
  readonly graceSeconds?: number | undefined;
  /** Seconds for which the issuer may state nothing before the list counts as lost; 60 by default. It states the list every ten. */
  readonly silenceSeconds?: number | undefined;
  /**
   * Maximum entries; 1,000,000 by default, more than a full bucket has. None is dropped for another: a list that is full keeps what it holds and
   * counts as lost, so that `whenLost` decides, until enough of its entries no longer matter.
   */
  readonly entryLimit?: number | undefined;
  /**
   * Milliseconds after which `loaded` gives up, with the reason; 30,000 by default. The feed itself keeps trying.
   */
  readonly loadLimitMs?: number | undefined;
  /** Milliseconds between two comparisons with what the issuer states; 5,000 by default. */
  readonly checkIntervalMs?: number | undefined;
  /** Called for each pushed entry: seconds from when the issuer made it until it is in force here. */
  readonly onPushed?: ((delaySeconds: number) => void) | undefined;
  /** Without one, only what keeps the first list from being loaded goes to the console. */
  readonly logger?: FeedLogger | undefined;
  /**
   * Milliseconds after the start in which nothing is logged of a first list that is not there yet, because the issuer may have been started
   * at the same moment; 0 by default.
   */
  readonly quietStartMs?: number | undefined;
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

/** The state of a feed, for health and metrics. */
export interface RevocationFeedState {
  /** `loading` until a whole list was first there; `current` while it is all that the issuer states; else `lost`. */
  readonly state: 'loading' | 'current' | 'lost';
  /** Entries held. */
  readonly entries: number;
  /** The last revocation that the held list is known to reach to, in the issuer's count; nothing before a whole list was there. */
  readonly number: number | null;
  /** Until when the held list is known to be complete. */
  readonly completeUntil: string | null;
  /** Since when the feed is not current; nothing while it is. */
  readonly lostSince: string | null;
  /** Whether tokens are refused because of it. */
  readonly refusing: boolean;
  /** Entries that came and were not to be believed. */
  readonly unreadable: number;
  /** Milliseconds from the issuer's having made the last pushed entry to its being in force here. */
  readonly lagMs: number | null;
  readonly lastError: string | null;
  /** Why the list, or the keys that it is read with, could not be kept in its file the last time; null if they could, or need not be. */
  readonly keepError: string | null;
}

/** Revocations in memory, kept current by the bucket. Give it to a verifier as its `revocations`. */
export interface RevocationFeed extends RevocationList {
  state(): RevocationFeedState;
  /**
   * Resolves once a whole list is there: from the bucket, or a kept one that is not too old. Rejects with {@link RevocationFeedError} after
   * `loadLimitMs`, or when the feed is closed before; nobody has to wait for it.
   */
  readonly loaded: Promise<void>;
  close(): Promise<void>;
}
