import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { generateSigningKey, publicJwkOf, type PrivateJwk, type Revocation } from '@countersign/auth-core';
import { type NatsConnection } from '@nats-io/nats-core';
import { DIGEST_KEY } from '../bucket-reader.js';
import { ListDigest } from '../list-digest.js';
import { openRevocationBucket, type RevocationBucket } from '../revocation-bucket.js';
import { bucketKeyOf } from '../revocation.js';
import { signDigest, signStatement, type Signing } from '../sign-statement.js';
import { type ListedRevocation } from '../statement.js';

/** Plays the issuer: publishes revocation keys, states revocations and the whole list. */
export class StatingIssuer {
  #number = 0;
  #digest = new ListDigest();
  #server: Server | undefined;
  #published: readonly object[] = [];
  issuer = '';
  isAway = false;

  private constructor(public key: PrivateJwk) {
    this.publish([key]);
  }

  static async start(): Promise<StatingIssuer> {
    const issuer = new StatingIssuer(await generateSigningKey());
    const server = createServer((_, answer) => {
      answer.statusCode = issuer.isAway ? 503 : 200;
      answer.setHeader('cache-control', 'max-age=1');
      answer.end(JSON.stringify({ keys: issuer.#published }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    issuer.issuer = `http://127.0.0.1:${String(address.port)}`;
    issuer.#server = server;
    return issuer;
  }

  publish(keys: readonly PrivateJwk[], use = 'revocation'): void {
    this.#published = keys.map((key) => ({ ...publicJwkOf(key), use }));
  }

  get number(): number {
    return this.#number;
  }

  signing(key = this.key, now = Date.now()): Signing {
    return { issuer: this.issuer, id: randomUUID(), now, key };
  }

  /** A statement that the list counts from now on. */
  state(
    revocation: Revocation,
    further: Pick<ListedRevocation, 'holder' | 'replaces'> = {},
  ): { readonly key: string; readonly text: string } {
    this.#number += 1;
    const listed = { revocation, number: this.#number, ...further };
    this.#digest.add(listed);
    return { key: bucketKeyOf(revocation), text: signStatement(listed, this.signing()) };
  }

  /** What the whole list is. */
  stateList(now = Date.now()): string {
    return signDigest(this.#digest.of(this.#number, Math.floor(now / 1_000)), this.signing(this.key, now));
  }

  /** Starts an empty list. */
  forget(): void {
    this.#number = 0;
    this.#digest = new ListDigest();
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** The bucket of an issuer. */
export class StatedBucket {
  constructor(
    private readonly issuer: StatingIssuer,
    readonly bucket: RevocationBucket,
  ) {}

  static async open(
    issuer: StatingIssuer,
    connection: NatsConnection,
    maxBytes = 16 * 1_024 ** 2,
  ): Promise<StatedBucket> {
    const bucket = await openRevocationBucket(connection, { replicas: 1, maxBytes });
    return new StatedBucket(issuer, bucket);
  }

  /** Puts revocations, and then the statement of the whole list. */
  async revoke(...revocations: readonly Revocation[]): Promise<void> {
    for (const revocation of revocations) {
      const { key, text } = this.issuer.state(revocation);
      await this.bucket.put(key, text);
    }
    await this.stateList();
  }

  async stateList(): Promise<void> {
    await this.bucket.put(DIGEST_KEY, this.issuer.stateList());
  }
}
