import { Inject, Injectable } from '@nestjs/common';
import { networkOf } from '@countersign/service-host';
import { type RegisteredClient } from '../registry/registered-client.js';
import { Replica } from '../registry/replica.service.js';
import { decoyImportedSecret, digestOf, matchesDigest, matchesImported } from './client-secret.js';
import { FairTurns } from './fair-turns.js';

/** Milliseconds for which a correct imported secret is recognised without scrypt. */
const KNOWN_FOR_MS = 60_000;
const KNOWN_LIMIT = 1_000;
/** Maximum concurrent slow hashes: each takes 32 MiB and one of the pool's four threads. */
const SLOW_AT_ONCE = 2;
/** Maximum waiting slow hashes, so that none waits much longer than two seconds. */
const SLOW_WAITING_LIMIT = 64;

/** Whose secret to check, and for which caller. */
export interface SecretAttempt {
  readonly clientId: string;
  readonly secret: string;
  readonly registered: RegisteredClient | undefined;
  /** The caller's address. */
  readonly peer: string;
  /** Whether a slow hash may be computed for this caller. */
  readonly mayBeSlow: boolean;
}

export type SecretFault =
  | 'SECRET_WRONG'
  /** It may be correct, but too many slow checks are waiting. */
  | 'SECRET_CHECKS_BUSY';

/** `client_secret_basic` (RFC 6749, section 2.3.1): every failure, for whatever reason, costs the same work. */
@Injectable()
export class SecretAuthentication {
  /** Digests of correct imported secrets, with their hash and expiry. */
  readonly #known = new Map<string, { readonly imported: string; readonly until: number }>();
  /** Slow checks in progress, by digest: concurrent requests with the same secret wait for the same result. */
  readonly #checking = new Map<string, Promise<boolean | undefined>>();
  readonly #slow = new FairTurns(SLOW_AT_ONCE, SLOW_WAITING_LIMIT);

  constructor(@Inject(Replica) private readonly replica: Replica) {}

  /** @returns why the secret is wrong; undefined if it is correct */
  async fault(attempt: SecretAttempt): Promise<SecretFault | undefined> {
    const { clientId, secret, registered, mayBeSlow } = attempt;
    const key = this.replica.secretKey;
    if (matchesDigest(secret, registered?.secrets ?? [], key)) return undefined;
    if (!this.replica.hasImportedSecrets) return 'SECRET_WRONG';
    const imported = registered?.client.imported_secret;
    const digest = digestOf(`${clientId}\n${imported ?? ''}\n${secret}`, key);
    const known = this.#known.get(digest);
    if (known !== undefined && known.imported === imported && known.until > performance.now()) return undefined;
    if (!mayBeSlow) return 'SECRET_WRONG';
    const matches = await this.#matches(attempt, digest);
    if (matches === undefined) return 'SECRET_CHECKS_BUSY';
    if (!matches || imported === undefined) return 'SECRET_WRONG';
    if (this.#known.size >= KNOWN_LIMIT) this.#known.clear();
    this.#known.set(digest, { imported, until: performance.now() + KNOWN_FOR_MS });
    return undefined;
  }

  /** @returns undefined when too many checks wait */
  async #matches({ secret, registered, peer }: SecretAttempt, digest: string): Promise<boolean | undefined> {
    const under = this.#checking.get(digest);
    if (under !== undefined) return under;
    const imported = registered?.client.imported_secret ?? decoyImportedSecret;
    const check = this.#slow.run(networkOf(peer), () => matchesImported(secret, imported));
    this.#checking.set(digest, check);
    try {
      return await check;
    } finally {
      this.#checking.delete(digest);
    }
  }
}
