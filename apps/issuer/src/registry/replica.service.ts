import { createSecretKey, type KeyObject } from 'node:crypto';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { localSigner, type MemoryRevocationList, type PrivateJwk, type TokenSigner } from '@countersign/auth-core';
import { Background, CLOCK, DATABASE, type Database, type Transaction } from '@countersign/service-host';
import { type ListDigest, type SignedDigest } from '@countersign/revocation-feed';
import { type Client } from './client.js';
import { ClientsStore, type RegistryState } from './clients.store.js';
import { jwksDocument, type JwksDocument, type PublishedKey, type SigningKeys } from './key-set.js';
import { type KeysStore } from './keys.store.js';
import { listedOf, revocationOf } from './listed-revocation.js';
import { ListedRevocations } from './listed-revocations.store.js';
import { registeredClient, type RegisteredClient } from './registered-client.js';
import { RemoteKeys } from './remote-keys.service.js';
import { RevocationKeysStore } from './revocation-keys.store.js';
import { LIST_DIGEST, REVOKED } from './revocation-memory.service.js';
import { type RevocationRow } from './revocations.tables.js';
import { CLIENT_SECRET_KEY, SigningKeysStore } from './signing-keys.store.js';
import { type SigningKeyRow } from './signing-keys.tables.js';

/** Milliseconds between two checks of the version, for a replica without token requests: its JWKS must stay current. */
const CHECK_EVERY_MS = 1_000;

function keyAddressesOf({ jwks_uri: own, trusted_issuers: trusted }: Client): readonly string[] {
  return [...(own === undefined ? [] : [own]), ...trusted.map(({ jwks_uri: uri }) => uri)];
}

const publishedOf = (rows: readonly SigningKeyRow[]): readonly PublishedKey[] =>
  rows.filter(({ state }) => state !== 'removed').map(({ publicJwk }) => publicJwk);

const signerOf = (key: PrivateJwk | undefined): TokenSigner | undefined =>
  key === undefined ? undefined : localSigner(key);

/** What a decision is based on. */
export interface Ground {
  /** The registry's version. */
  readonly version: number;
  /** The last known revocation. */
  readonly revocations: number;
}

/**
 * Clients, signing keys and revocations as this replica holds them in memory, for one version of the registry. Nothing is issued on the
 * basis of an older version: each group of tokens is committed on condition that the version is still current and that nothing newer
 * revokes a token that is exchanged; otherwise it is decided again.
 */
@Injectable()
export class Replica implements SigningKeys, OnModuleInit {
  #version = 0;
  #revocations = 0;
  #issueAfter = 0;
  #restoredAt: number | undefined;
  readonly #clients = new Map<string, RegisteredClient>();
  #active: PrivateJwk | undefined;
  #signer: TokenSigner | undefined;
  #published: readonly PublishedKey[] = [];
  #jwks: JwksDocument = jwksDocument([]);
  #revocationKey: PrivateJwk | undefined;
  #revocationSigner: TokenSigner | undefined;
  #revocationJwks: JwksDocument = jwksDocument([]);
  #revocationKeys: readonly PublishedKey[] = [];
  #secretKey: KeyObject | undefined;
  #describing: readonly RegisteredClient[] = [];
  #imported = 0;
  #remote = 0;
  #onKeys: () => void = () => undefined;
  #loading: Promise<void> = Promise.resolve();
  /** The next load, which has not started yet. */
  #next: Promise<void> | undefined;

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(ClientsStore) private readonly clientsStore: ClientsStore,
    @Inject(SigningKeysStore) private readonly keysStore: SigningKeysStore,
    @Inject(RemoteKeys) private readonly remoteKeys: RemoteKeys,
    @Inject(ListedRevocations) private readonly listed: ListedRevocations,
    @Inject(REVOKED) private readonly revoked: MemoryRevocationList,
    @Inject(LIST_DIGEST) private readonly digest: ListDigest,
    @Inject(RevocationKeysStore) private readonly revocationKeysStore: RevocationKeysStore,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(Background) private readonly background: Background,
  ) {}

  /** Read it before deciding, and commit on condition of it. */
  get ground(): Ground {
    return { version: this.#version, revocations: this.#revocations };
  }

  /** Milliseconds since 1970 at which the database was found to be restored from a backup, until that is acknowledged. */
  get restoredAt(): number | undefined {
    return this.#restoredAt;
  }

  /** Milliseconds since 1970 for a token issued now: after every revocation that must not refuse it. */
  issueTime(): number {
    return Math.max(this.clock().getTime(), this.#issueAfter + 1);
  }

  client(clientId: string): RegisteredClient | undefined {
    return this.#clients.get(clientId);
  }

  /** The policies for clients that describe themselves. */
  get describing(): readonly RegisteredClient[] {
    return this.#describing;
  }

  /** Whether any client has an imported secret, so that wrong secrets must cost as much as checking it. */
  get hasImportedSecrets(): boolean {
    return this.#imported > 0;
  }

  /** Whether any client's keys are fetched, so that failed assertions must take as long as a fetch may take. */
  get hasRemoteKeys(): boolean {
    return this.#remote > 0;
  }

  get signer(): TokenSigner {
    if (this.#signer === undefined) throw new Error('the signing keys are not loaded yet');
    return this.#signer;
  }

  get published(): readonly PublishedKey[] {
    return this.#published;
  }

  get jwks(): JwksDocument {
    return this.#jwks;
  }

  /** Signs revocations. */
  get revocationSigner(): TokenSigner {
    if (this.#revocationSigner === undefined) throw new Error('the revocation keys are not loaded yet');
    return this.#revocationSigner;
  }

  /** Every revocation key that is not removed. */
  get revocationKeys(): readonly PublishedKey[] {
    return this.#revocationKeys;
  }

  get revocationJwks(): JwksDocument {
    return this.#revocationJwks;
  }

  /** The state of the whole revocation list, as this replica knows it. @param at seconds since 1970 */
  listAt(at: number): SignedDigest {
    return this.digest.of(this.#revocations, at);
  }

  /** The key under which client secrets are digested. It is a key object, because a digest with the raw bytes costs five times as much. */
  get secretKey(): KeyObject {
    if (this.#secretKey === undefined) throw new Error('the secrets of the issuer are not loaded yet');
    return this.#secretKey;
  }

  /** @param listener called whenever this replica's keys have changed */
  onKeysChanged(listener: () => void): void {
    this.#onKeys = listener;
  }

  /** Brings this replica to the current version; everything committed before the call is visible after it. */
  refresh(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    const next = this.#loading.then(() => {
      this.#next = undefined;
      return this.#load();
    });
    this.#next = next;
    this.#loading = next.catch(() => undefined);
    return next;
  }

  /** Whether the database is older than what this replica has read: it has other clients, and reuses revocation numbers. */
  #wentBack({ version, revocations, restoredAt }: RegistryState): boolean {
    const isNoticed = restoredAt !== undefined && restoredAt !== this.#restoredAt;
    return isNoticed || version < this.#version || revocations < this.#revocations;
  }

  /** Whether this replica has everything that was committed: usually so, and one statement is enough to see it. */
  async #isCurrent(): Promise<boolean> {
    const { version, revocations } = await this.clientsStore.registry(this.database);
    return this.#secretKey !== undefined && version === this.#version && revocations === this.#revocations;
  }

  async #load(): Promise<void> {
    await this.database.transaction(
      async (transaction) => {
        const state = await this.clientsStore.registry(transaction);
        const { version, revocations, issueAfter, restoredAt } = state;
        const wentBack = this.#wentBack(state);
        this.#secretKey ??= await this.#openSecret(transaction);
        const known = wentBack ? 0 : this.#revocations;
        const revokedMeanwhile = revocations === known ? [] : await this.#revokedSince(transaction, known);
        if (version === this.#version && !wentBack) {
          this.#takeRevocations(revokedMeanwhile, revocations);
          return;
        }
        const changed = await this.clientsStore.changedSince(transaction, wentBack ? 0 : this.#version);
        const rows = await this.keysStore.all(transaction);
        const active = await this.#activeOf(rows, this.keysStore, this.#active);
        const forRevocation = await this.revocationKeysStore.all(transaction);
        const revocationKey = await this.#activeOf(forRevocation, this.revocationKeysStore, this.#revocationKey);
        // A client that a restored database lacks could not even be disabled.
        if (wentBack) this.#clients.clear();
        for (const [clientId, record] of changed) {
          if (record === undefined) this.#clients.delete(clientId);
          else this.#clients.set(clientId, registeredClient(record));
        }
        this.#takeRevocations(revokedMeanwhile, revocations);
        this.#issueAfter = issueAfter;
        this.#restoredAt = restoredAt;
        this.#takeStock();
        if (active !== this.#active) this.#signer = signerOf(active);
        if (revocationKey !== this.#revocationKey) this.#revocationSigner = signerOf(revocationKey);
        this.#active = active;
        this.#published = publishedOf(rows);
        this.#revocationKey = revocationKey;
        this.#revocationKeys = publishedOf(forRevocation);
        this.#revocationJwks = jwksDocument(this.#revocationKeys);
        const jwks = jwksDocument(this.#published);
        const keysChanged = jwks.etag !== this.#jwks.etag;
        this.#jwks = jwks;
        this.#version = version;
        if (keysChanged) this.#onKeys();
      },
      { isolationLevel: 'repeatable read' },
    );
  }

  #revokedSince(transaction: Transaction, number: number): Promise<readonly RevocationRow[]> {
    return number === 0
      ? this.listed.inForce(this.clock(), transaction)
      : this.listed.changedSince(transaction, number);
  }

  #takeRevocations(rows: readonly RevocationRow[], number: number): void {
    for (const row of rows) {
      this.revoked.add(revocationOf(row));
      if (row.changedIn > 0) this.digest.add(listedOf(row));
    }
    this.#revocations = number;
  }

  #takeStock(): void {
    const clients = [...this.#clients.values()].map(({ client }) => client);
    this.#imported = clients.filter((client) => client.imported_secret !== undefined).length;
    this.#describing = [...this.#clients.values()].filter(({ client }) => client.metadata_documents !== undefined);
    const addresses = clients.flatMap(keyAddressesOf);
    this.#remote = addresses.length;
    for (const address of addresses) this.remoteKeys.prepare(address);
  }

  async #openSecret(transaction: Transaction): Promise<KeyObject | undefined> {
    const secret = await this.keysStore.secret(transaction, CLIENT_SECRET_KEY);
    return secret === undefined ? undefined : createSecretKey(secret);
  }

  async #activeOf(
    rows: readonly SigningKeyRow[],
    store: KeysStore,
    known: PrivateJwk | undefined,
  ): Promise<PrivateJwk | undefined> {
    const row = rows.find(({ state }) => state === 'active');
    if (row === undefined) return undefined;
    return row.kid === known?.kid ? known : store.open(row);
  }

  onModuleInit(): void {
    this.background.repeat({
      name: 'registry',
      everyMs: CHECK_EVERY_MS,
      run: async () => {
        if (!(await this.#isCurrent())) await this.refresh();
        return undefined;
      },
    });
  }
}
