import { type RevocationList } from '@countersign/auth-core';
import { type NatsConnection } from '@nats-io/nats-core';

/** The feed's logger; pino fits. */
export interface FeedLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** The issuer whose revocations the feed follows, and what it does while it cannot. */
export interface RevocationFeedOptions {
  /** The issuer identifier, as in the tokens. */
  readonly issuer: string;
  /** Where the issuer publishes its revocation keys; its `/.well-known/revocation-jwks.json` by default. */
  readonly keysUrl?: string | undefined;
  /** A file that keeps the last good keys (written 0600), so that a start during an outage of the issuer works; none by default. */
  readonly keysFile?: string | undefined;
  readonly fetch?: typeof globalThis.fetch | undefined;
  /**
   * Connects to NATS; called again after a failure and after the connection has closed. Let it reconnect by itself forever.
   * The signal ends an attempt that is no longer needed.
   */
  readonly connect: (signal: AbortSignal) => Promise<NatsConnection>;
  /**
   * The subject on which to request entries: by default `revocations.get`, the import in accounts other than the issuer's;
   * `$JS.API.DIRECT.GET.KV_revocations` in the issuer's own account.
   */
  readonly getSubject?: string | undefined;
  /** A file that keeps the signed list across a restart; none by default. */
  readonly listFile?: string | undefined;
  /**
   * What a validator does after losing the feed: `accept` continues with its list for `graceSeconds`, and then refuses; `refuse` answers 503 immediately.
   * `accept` by default.
   */
  readonly whenLost?: 'accept' | 'refuse' | undefined;
  /**
   * What a validator does while it has no list yet: `refuse` answers 503 until it has loaded one, or found a stored one not older than
   * `graceSeconds`; `accept` accepts every token for `graceSeconds`. `refuse` by default.
   */
  readonly atStart?: 'accept' | 'refuse' | undefined;
  /** Seconds of `accept`: as long as a token may live, 900 by default. */
  readonly graceSeconds?: number | undefined;
  /** Seconds without a statement by the issuer after which the list counts as lost; 60 by default. The issuer states the list every ten. */
  readonly silenceSeconds?: number | undefined;
  /**
   * Maximum entries; 1,000,000 by default, more than a full bucket has. None is dropped for another: a full list keeps what it has and
   * counts as lost, so that `whenLost` decides, until enough of its entries no longer matter.
   */
  readonly entryLimit?: number | undefined;
  /**
   * Milliseconds after which `loaded` gives up, with the reason; 30,000 by default. The feed itself keeps trying.
   */
  readonly loadLimitMs?: number | undefined;
  /** Milliseconds between two comparisons with what the issuer states; 5,000 by default. */
  readonly checkIntervalMs?: number | undefined;
  /** Called for each pushed entry: seconds from its creation at the issuer until it is in force here. */
  readonly onPushed?: ((delaySeconds: number) => void) | undefined;
  /** Without one, only the reason why the first list cannot be loaded goes to the console. */
  readonly logger?: FeedLogger | undefined;
  /**
   * Milliseconds after startup in which a missing first list is not logged, because the issuer may have been started
   * at the same moment; 0 by default.
   */
  readonly quietStartMs?: number | undefined;
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

/** The state of a feed, for health and metrics. */
export interface RevocationFeedState {
  /** `loading` until the first complete list; `current` while it is everything that the issuer states; otherwise `lost`. */
  readonly state: 'loading' | 'current' | 'lost';
  /** Entries held. */
  readonly entries: number;
  /** The number of the last revocation that the list is known to include, in the issuer's count; undefined before the first complete list. */
  readonly number: number | null;
  /** The time up to which the list is known to be complete. */
  readonly completeUntil: string | null;
  /** Since when the feed has not been current; undefined while it is. */
  readonly lostSince: string | null;
  /** Whether tokens are refused because of that. */
  readonly refusing: boolean;
  /** Entries that arrived and could not be trusted. */
  readonly unreadable: number;
  /** Milliseconds from the last pushed entry's creation at the issuer until it was in force here. */
  readonly lagMs: number | null;
  readonly lastError: string | null;
  /** Why the last write of the list, or of its keys, to a file failed; null if it succeeded, or there is no file. */
  readonly keepError: string | null;
}

/** Revocations in memory, kept current by the bucket. Give it to a verifier as its `revocations`. */
export interface RevocationFeed extends RevocationList {
  state(): RevocationFeedState;
  /**
   * Resolves once there is a complete list: from the bucket, or a stored one that is not too old. Rejects with {@link RevocationFeedError} after
   * `loadLimitMs`, or when the feed is closed before; awaiting it is optional.
   */
  readonly loaded: Promise<void>;
  close(): Promise<void>;
}
