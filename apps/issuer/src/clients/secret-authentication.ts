import { Inject, Injectable } from '@nestjs/common';
import { CLOCK } from '@countersign/service-host';
import { Replica } from '../replica/replica.js';
import { decoyImportedSecret, digestOf, matchesDigest, matchesImported } from './client-secret.js';
import { type RegisteredClient } from './registered-client.js';

/** Milliseconds for which a good imported secret is known again without scrypt. */
const KNOWN_FOR_MS = 60_000;
const KNOWN_LIMIT = 1_000;

/** `client_secret_basic` (RFC 6749, section 2.3.1): whoever fails, and however, costs the same work. */
@Injectable()
export class SecretAuthentication {
  /** Digests of good imported secrets, with the hash that they answer, and until when. */
  readonly #known = new Map<string, { readonly imported: string; readonly until: number }>();

  constructor(
    @Inject(Replica) private readonly replica: Replica,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /** @returns why the secret is not the client's; nothing when it is */
  async fault(registered: RegisteredClient | undefined, secret: string): Promise<'SECRET_WRONG' | undefined> {
    const key = this.replica.secretKey;
    if (matchesDigest(secret, registered?.secrets ?? [], key)) return undefined;
    if (!this.replica.hasImportedSecrets) return 'SECRET_WRONG';
    const imported = registered?.client.imported_secret;
    const digest = digestOf(`${registered?.client.client_id ?? ''}\n${secret}`, key);
    const known = this.#known.get(digest);
    if (known !== undefined && known.imported === imported && known.until > this.clock().getTime()) return undefined;
    const matches = await matchesImported(secret, imported ?? decoyImportedSecret);
    if (!matches || imported === undefined) return 'SECRET_WRONG';
    if (this.#known.size >= KNOWN_LIMIT) this.#known.clear();
    this.#known.set(digest, { imported, until: this.clock().getTime() + KNOWN_FOR_MS });
    return undefined;
  }
}
