import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { EVERY, uuidv7 } from '@countersign/audit-event';
import {
  AUDIT_OUTBOX,
  by,
  CLOCK,
  DATABASE,
  KeyedAnswers,
  Problem,
  pageOf,
  type Caller,
  type Database,
  type Transaction,
} from '@countersign/service-host';
import { digestOf, makeSecret } from '../authentication/client-secret.js';
import { events } from '../events.js';
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
} from '../registry/client-record.js';
import { type Client, type PublicJwk } from '../registry/client.js';
import { ClientsStore } from '../registry/clients.store.js';
import { Replica } from '../registry/replica.service.js';
import { type RevocationRow } from '../registry/revocations.tables.js';
import { type StoredSecret } from '../registry/stored-secret.js';
import { RevocationService } from '../revocation/revocation.service.js';
import { ClientWrites, type ClientChange } from './client-writes.service.js';

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

type Action = NonNullable<Parameters<typeof events.event>[2]['action']>;

/** The action that an event is declared with, also used for its refusal. */
function actionOf(change: ClientChange): Action {
  const { action } = events.events[change];
  if (typeof action !== 'string') throw new Error(`${change} must be declared with one action`);
  return action;
}

/** One change of one client, and what its caller gets. */
interface ChangeStep<Answer extends object> {
  readonly change: ClientChange;
  readonly clientId: string;
  readonly caller: Caller;
  readonly rule: (before: ClientRecord | undefined, now: Date) => Change;
  /** What commits with the change. */
  readonly alongside?: ((transaction: Transaction) => Promise<void>) | undefined;
  readonly answer: (record: ClientRecord) => Answer;
}

const problemOf = ({ status, code, detail }: ChangeRefused): Problem => new Problem(status, code, detail);
const unknownClient = (): Problem => new Problem(404, 'CLIENT_UNKNOWN', 'There is no such client.');
const known =
  (rule: (before: ClientRecord, now: Date) => Change): ChangeStep<object>['rule'] =>
  (before, now) => {
    if (before === undefined) throw unknownClient();
    return rule(before, now);
  };

/** What an administrator may do with clients. Each change commits together with its audit event: before and after, never a secret. */
@Injectable()
export class ClientsService {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(ClientsStore) private readonly store: ClientsStore,
    @Inject(Replica) private readonly replica: Replica,
    @Inject(ClientWrites) private readonly writes: ClientWrites,
    @Inject(RevocationService) private readonly revocations: RevocationService,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(KeyedAnswers) private readonly answers: KeyedAnswers,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  async list(cursor: string, limit: number, caller: Caller): Promise<ClientPage> {
    const { rows, last } = pageOf(await this.store.page(cursor, limit + 1), limit);
    const clients = rows.map(clientJson);
    const details = { id: EVERY, action: 'client:list', changes: { cursor, limit } } as const;
    await this.outbox.recordDurably(events.event('client.looked-at', by(caller), details));
    return last === undefined ? { clients } : { clients, next_cursor: last.registration.client_id };
  }

  async read(clientId: string, caller: Caller): Promise<ClientJson> {
    const record = await this.store.find(this.database, clientId);
    const missing = record === undefined ? ({ outcome: 'failed', reason: 'CLIENT_UNKNOWN' } as const) : {};
    const details = { id: clientId, action: 'client:read', ...missing } as const;
    await this.outbox.recordDurably(events.event('client.looked-at', by(caller), details));
    if (record === undefined) throw unknownClient();
    return clientJson(record);
  }

  /** @returns the client; one that authenticates by secret gets its first, shown only once */
  async register(registration: Client, caller: Caller): Promise<ClientJson & { readonly client_secret?: string }> {
    const secretBased = registration.token_endpoint_auth_method === 'client_secret_basic';
    const made = secretBased && registration.imported_secret === undefined ? this.#newSecret() : undefined;
    const { client_id: clientId } = registration;
    const rule = (before: ClientRecord | undefined, now: Date): Change => {
      if (before !== undefined) {
        return {
          ok: false,
          why: { status: 409, code: 'CLIENT_EXISTS', detail: 'A client with this id already exists.' },
        };
      }
      const fresh = newRecord(registration, null, now);
      return made === undefined ? { ok: true, record: fresh } : withSecret(fresh, made.stored, now);
    };
    const answer = (record: ClientRecord) =>
      made === undefined ? clientJson(record) : { ...clientJson(record), client_secret: made.secret };
    return this.#change({ change: 'client.registered', clientId, caller, rule, answer });
  }

  /** @throws {Problem} 404 `CLIENT_UNKNOWN`, 422 `CLIENT_ID_DIFFERS` */
  async replace(clientId: string, registration: Client, caller: Caller): Promise<ClientJson> {
    if (registration.client_id !== clientId) {
      const detail = 'The client_id of the registration must be the one in the path.';
      throw await this.#refused('client.replaced', clientId, caller, new Problem(422, 'CLIENT_ID_DIFFERS', detail));
    }
    return this.#changeKnown('client.replaced', clientId, caller, (before, now) => ({
      ok: true,
      record: withRegistration(before, registration, now),
    }));
  }

  async addKey(clientId: string, key: PublicJwk, caller: Caller): Promise<ClientJson> {
    return this.#changeKnown('client-key.added', clientId, caller, (before, now) => withKey(before, key, now));
  }

  async removeKey(clientId: string, keyId: string, caller: Caller): Promise<ClientJson> {
    return this.#changeKnown('client-key.removed', clientId, caller, (before, now) => withoutKey(before, keyId, now));
  }

  async addSecret(clientId: string, caller: Caller): Promise<NewSecretJson> {
    const { secret, stored } = this.#newSecret();
    return this.#change({
      change: 'client-secret.added',
      clientId,
      caller,
      rule: known((before, now) => withSecret(before, stored, now)),
      answer: () => ({ client_id: clientId, secret_id: stored.id, client_secret: secret }),
    });
  }

  async removeSecret(clientId: string, id: string, caller: Caller): Promise<ClientJson> {
    return this.#changeKnown('client-secret.removed', clientId, caller, (before, now) =>
      withoutSecret(before, id, now),
    );
  }

  /**
   * From the commit on, no replica issues it a token, and every validator refuses every token that names it: its own, those
   * exchanged for them, and those it got for others.
   */
  async disable(clientId: string, caller: Caller): Promise<ClientJson> {
    const revoked: RevocationRow[] = [];
    const client = await this.#changeKnown(
      'client.disabled',
      clientId,
      caller,
      (before, now) => ({ ok: true, record: disabled(before, 'admin', now) }),
      async (transaction) => {
        revoked.push(await this.revocations.recordIn(transaction, { kind: 'client', clientId }, by(caller)));
      },
    );
    for (const row of revoked) await this.revocations.announce(row);
    return client;
  }

  async enable(clientId: string, caller: Caller): Promise<ClientJson> {
    return this.#changeKnown('client.enabled', clientId, caller, (before, now) => ({
      ok: true,
      record: enabled(before, now),
    }));
  }

  #newSecret(): { readonly secret: string; readonly stored: StoredSecret } {
    const now = this.clock();
    const secret = makeSecret();
    const digest = digestOf(secret, this.replica.secretKey);
    return { secret, stored: { id: uuidv7(now.getTime()), digest, created_at: now.toISOString() } };
  }

  #changeKnown(
    change: ClientChange,
    clientId: string,
    caller: Caller,
    rule: (before: ClientRecord, now: Date) => Change,
    alongside?: (transaction: Transaction) => Promise<void>,
  ): Promise<ClientJson> {
    return this.#change({ change, clientId, caller, rule: known(rule), alongside, answer: clientJson });
  }

  /** Changes a client in one transaction: the change, its event, related changes, and the response for a repeat. */
  async #change<Answer extends object>(step: ChangeStep<Answer>): Promise<Answer> {
    const { change, clientId, caller, rule, alongside } = step;
    const revoked: RevocationRow[] = [];
    try {
      const answer = await this.database.transaction(async (transaction) => {
        await this.answers.begin(transaction, caller);
        const version = await this.store.raiseVersion(transaction);
        const before = await this.store.find(transaction, clientId);
        const changed = rule(before, this.clock());
        if (!changed.ok) throw problemOf(changed.why);
        revoked.push(...(await this.writes.save(transaction, before, changed.record, version, by(caller))));
        await this.writes.record(transaction, change, clientId, before, changed.record, by(caller));
        await alongside?.(transaction);
        const answered = step.answer(changed.record);
        await this.answers.keep(transaction, caller, clientId, answered);
        return answered;
      });
      await this.replica.refresh();
      for (const row of revoked) await this.revocations.announce(row);
      return answer;
    } catch (error) {
      throw error instanceof Problem ? await this.#refused(change, clientId, caller, error) : error;
    }
  }

  /** Records a refusal. @returns it */
  async #refused(change: ClientChange, clientId: string, caller: Caller, problem: Problem): Promise<Problem> {
    const details = { id: clientId, action: actionOf(change), outcome: 'failed', reason: problem.code } as const;
    await this.outbox.recordDurably(events.event('client.change_refused', by(caller), details));
    return problem;
  }
}
