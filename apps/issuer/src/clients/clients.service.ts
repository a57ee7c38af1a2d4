import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { principalOf, uuidv7 } from '@countersign/audit-event';
import { AUDIT_OUTBOX, CLOCK, DATABASE, Problem, type Database, type Transaction } from '@countersign/service-host';
import { Replica } from '../replica/replica.js';
import { RevocationService, type RevokedBy } from '../revocation/revocation.service.js';
import { type RevocationRow } from '../revocation/revocations.tables.js';
import { whoAsks, type Asking } from './asking.js';
import {
  clientJson,
  disabled,
  enabled,
  newRecord,
  withKey,
  withoutKey,
  withoutSecret,
  withRegistration,
  withSecret,
  type Change,
  type ChangeRefused,
  type ClientJson,
  type ClientRecord,
} from './client-record.js';
import { digestOf, makeSecret, type StoredSecret } from './client-secret.js';
import { type Client, type PublicJwk } from './client.js';
import { ClientsStore } from './clients.store.js';
import { describeChange, differenceTo, type DeclaredChange } from './declaration.js';

/** A secret as it is shown, once. */
export interface NewSecretJson {
  readonly client_id: string;
  readonly secret_id: string;
  readonly client_secret: string;
}

export interface ClientPage {
  readonly clients: readonly ClientJson[];
  readonly next_cursor?: string;
}

export interface AppliedJson {
  readonly dry_run: boolean;
  readonly changes: readonly {
    readonly client_id: string;
    readonly kind: DeclaredChange['kind'];
    readonly text: string;
  }[];
}

/** What may be done, and how its event is called. */
const done = {
  'client:register': 'client.registered',
  'client:replace': 'client.replaced',
  'client:disable': 'client.disabled',
  'client:enable': 'client.enabled',
  'client:declare': 'client.declared',
  'client-key:add': 'client-key.added',
  'client-key:remove': 'client-key.removed',
  'client-secret:add': 'client-secret.added',
  'client-secret:remove': 'client-secret.removed',
} as const;
type Action = keyof typeof done;

const problemOf = ({ status, code, detail }: ChangeRefused): Problem => new Problem(status, code, detail);
const unknownClient = (): Problem => new Problem(404, 'CLIENT_UNKNOWN', 'There is no such client.');

/** What an administrator may do with clients. Each change commits together with its audit event: before and after, never a secret. */
@Injectable()
export class ClientsService {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(ClientsStore) private readonly store: ClientsStore,
    @Inject(Replica) private readonly replica: Replica,
    @Inject(RevocationService) private readonly revocations: RevocationService,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  async list(cursor: string, limit: number, asking: Asking): Promise<ClientPage> {
    const records = await this.store.page(cursor, limit + 1);
    const clients = records.slice(0, limit).map(clientJson);
    await this.#recordLook('client:list', 'clients', asking, { cursor, limit });
    const last = clients.at(-1);
    return records.length > limit && last !== undefined ? { clients, next_cursor: last.client_id } : { clients };
  }

  async read(clientId: string, asking: Asking): Promise<ClientJson> {
    const record = await this.store.find(this.database, clientId);
    if (record === undefined) throw unknownClient();
    await this.#recordLook('client:read', `clients/${clientId}`, asking);
    return clientJson(record);
  }

  /** @returns the client; one that authenticates by secret gets its first, shown this once */
  async register(registration: Client, asking: Asking): Promise<ClientJson & { readonly client_secret?: string }> {
    const secretBased = registration.token_endpoint_auth_method === 'client_secret_basic';
    const made = secretBased && registration.imported_secret === undefined ? this.#newSecret() : undefined;
    const record = await this.#change('client:register', registration.client_id, asking, (before, now) => {
      if (before !== undefined) {
        return { ok: false, why: { status: 409, code: 'CLIENT_EXISTS', detail: 'There is a client of this id.' } };
      }
      const fresh = newRecord(registration, null, now);
      return made === undefined ? { ok: true, record: fresh } : withSecret(fresh, made.stored, now);
    });
    return made === undefined ? clientJson(record) : { ...clientJson(record), client_secret: made.secret };
  }

  async replace(clientId: string, registration: Client, asking: Asking): Promise<ClientJson> {
    return this.#changeKnown('client:replace', clientId, asking, (before, now) => ({
      ok: true,
      record: withRegistration(before, registration, now),
    }));
  }

  async addKey(clientId: string, key: PublicJwk, asking: Asking): Promise<ClientJson> {
    return this.#changeKnown('client-key:add', clientId, asking, (before, now) => withKey(before, key, now));
  }

  async removeKey(clientId: string, keyId: string, asking: Asking): Promise<ClientJson> {
    return this.#changeKnown('client-key:remove', clientId, asking, (before, now) => withoutKey(before, keyId, now));
  }

  async addSecret(clientId: string, asking: Asking): Promise<NewSecretJson> {
    const { secret, stored } = this.#newSecret();
    await this.#changeKnown('client-secret:add', clientId, asking, (before, now) => withSecret(before, stored, now));
    return { client_id: clientId, secret_id: stored.id, client_secret: secret };
  }

  async removeSecret(clientId: string, id: string, asking: Asking): Promise<ClientJson> {
    return this.#changeKnown('client-secret:remove', clientId, asking, (before, now) => withoutSecret(before, id, now));
  }

  /**
   * From the commit on, no replica gives it a token, and every validator is told to refuse whatever it stands in: what it got, what was
   * exchanged for that, what it got for others.
   */
  async disable(clientId: string, asking: Asking): Promise<ClientJson> {
    const revoked: RevocationRow[] = [];
    const client = await this.#changeKnown(
      'client:disable',
      clientId,
      asking,
      (before, now) => ({ ok: true, record: disabled(before, 'admin', now) }),
      async (transaction) => {
        revoked.push(await this.#revokeTokens(transaction, clientId, asking));
      },
    );
    for (const row of revoked) await this.revocations.announce(row);
    return client;
  }

  async enable(clientId: string, asking: Asking): Promise<ClientJson> {
    return this.#changeKnown('client:enable', clientId, asking, (before, now) => ({
      ok: true,
      record: enabled(before, now),
    }));
  }

  /**
   * Applies declared clients; of those that are no longer declared, the tokens are revoked as {@link disable} does it.
   * @param asking nobody at a start of the service: then the file itself is the authority
   */
  async apply(wanted: readonly Client[], dryRun: boolean, asking?: Asking): Promise<AppliedJson> {
    const revoked: RevocationRow[] = [];
    const changes = await this.database.transaction(async (transaction) => {
      const found = differenceTo(wanted, await this.store.all(transaction), this.clock());
      if (dryRun || found.length === 0) return found;
      const version = await this.store.raiseVersion(transaction);
      const locked = differenceTo(wanted, await this.store.all(transaction), this.clock());
      for (const change of locked) {
        await this.store.save(transaction, change.after, version);
        const { clientId, before, after } = change;
        await this.#record(transaction, 'client:declare', clientId, before ?? undefined, after, asking);
        if (change.kind === 'disable') revoked.push(await this.#revokeTokens(transaction, clientId, asking));
      }
      return locked;
    });
    if (!dryRun && changes.length > 0) await this.replica.refresh();
    for (const row of revoked) await this.revocations.announce(row);
    return {
      dry_run: dryRun,
      changes: changes.map((change) => ({
        client_id: change.clientId,
        kind: change.kind,
        text: describeChange(change),
      })),
    };
  }

  /** Refuses what the client was given until now, in the transaction that disables it. */
  #revokeTokens(transaction: Transaction, clientId: string, asking: Asking | undefined): Promise<RevocationRow> {
    const by: RevokedBy =
      asking === undefined
        ? { configuration: 'CLIENTS_FILE' }
        : { principal: principalOf(asking.caller), trace: asking.trace };
    return this.revocations.recordIn(transaction, { kind: 'client', clientId }, by);
  }

  #newSecret(): { readonly secret: string; readonly stored: StoredSecret } {
    const now = this.clock();
    const secret = makeSecret();
    const digest = digestOf(secret, this.replica.secretKey);
    return { secret, stored: { id: uuidv7(now.getTime()), digest, created_at: now.toISOString() } };
  }

  async #changeKnown(
    action: Action,
    clientId: string,
    asking: Asking,
    rule: (before: ClientRecord, now: Date) => Change,
    alongside?: (transaction: Transaction) => Promise<void>,
  ): Promise<ClientJson> {
    const knownRule = (before: ClientRecord | undefined, now: Date): Change => {
      if (before === undefined) throw unknownClient();
      return rule(before, now);
    };
    const record = await this.#change(action, clientId, asking, knownRule, alongside);
    return clientJson(record);
  }

  async #change(
    action: Action,
    clientId: string,
    asking: Asking,
    rule: (before: ClientRecord | undefined, now: Date) => Change,
    alongside?: (transaction: Transaction) => Promise<void>,
  ): Promise<ClientRecord> {
    const record = await this.database.transaction(async (transaction) => {
      const version = await this.store.raiseVersion(transaction);
      const before = await this.store.find(transaction, clientId);
      const change = rule(before, this.clock());
      if (!change.ok) throw problemOf(change.why);
      await this.store.save(transaction, change.record, version);
      await this.#record(transaction, action, clientId, before, change.record, asking);
      await alongside?.(transaction);
      return change.record;
    });
    await this.replica.refresh();
    return record;
  }

  async #record(
    transaction: Transaction,
    action: Action,
    clientId: string,
    before: ClientRecord | undefined,
    after: ClientRecord,
    asking: Asking | undefined,
  ): Promise<void> {
    await this.outbox.record(transaction, {
      type: `countersign.issuer.${done[action]}.v1`,
      subject: clientId,
      ...(asking === undefined ? {} : { traceparent: asking.trace.traceparent }),
      data: {
        ...whoAsks(asking),
        action,
        resource: `clients/${clientId}`,
        outcome: 'allowed',
        changes: { before: before === undefined ? null : clientJson(before), after: clientJson(after) },
      },
    });
  }

  async #recordLook(
    action: string,
    resource: string,
    asking: Asking,
    changes?: Record<string, unknown>,
  ): Promise<void> {
    await this.outbox.recordDurably({
      type: 'countersign.issuer.client.looked-at.v1',
      subject: resource,
      traceparent: asking.trace.traceparent,
      data: { ...whoAsks(asking), action, resource, outcome: 'allowed', ...(changes === undefined ? {} : { changes }) },
    });
  }
}
