import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import {
  AUDIT_OUTBOX,
  by,
  CLOCK,
  DATABASE,
  KeyedAnswers,
  Problem,
  type Caller,
  type Database,
  type Transaction,
} from '@countersign/service-host';
import { events } from '../events.js';
import { TOKEN_LIFETIME_LIMIT } from '../registry/client.js';
import { Replica } from '../registry/replica.service.js';
import { type RevocationRow } from '../registry/revocations.tables.js';
import { RevocationService } from '../revocation/revocation.service.js';
import { apiKeyJson, beyondPolicy, holdsPlace, LIVE_KEYS_OF_A_NAME, type ApiKeyJson } from '../api-keys/api-key.js';
import { type NewApiKey, type Rotation } from './api-key-requests.js';
import { ApiKeysStore, type ApiKeyChange } from '../api-keys/api-keys.store.js';
import { unknownApiKey } from './api-keys.service.js';
import { type ApiKeyRow } from '../api-keys/api-keys.tables.js';
import {
  API_KEY_SETTINGS,
  expiryOf,
  newApiKey,
  type ApiKeySettings,
  type MadeApiKey,
} from '../api-keys/new-api-key.js';
import { PLANS, type Plans } from '../api-keys/plan.js';

/** A key as it is shown, once. */
export type NewApiKeyJson = ApiKeyJson & { readonly api_key: string };

type Change = 'created' | 'rotated' | 'disabled' | 'enabled' | 'revoked';
const actions = {
  created: 'api-key:create',
  rotated: 'api-key:rotate',
  disabled: 'api-key:disable',
  enabled: 'api-key:enable',
  revoked: 'api-key:revoke',
} as const satisfies Readonly<Record<Change, string>>;

/** What one change does: what becomes of the key, and whether what it was exchanged for is refused from now on. */
interface Steps {
  readonly change: ApiKeyChange;
  readonly revokesTokens: boolean;
}

const ended = (): Problem => new Problem(409, 'API_KEY_ENDED', 'The API key is revoked or has expired.');

/** What an administrator may do with API keys. Each change commits together with its audit event, and with the revocation of its tokens. */
@Injectable()
export class ApiKeyChanges {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(ApiKeysStore) private readonly store: ApiKeysStore,
    @Inject(Replica) private readonly replica: Replica,
    @Inject(RevocationService) private readonly revocations: RevocationService,
    @Inject(PLANS) private readonly plans: Plans,
    @Inject(API_KEY_SETTINGS) private readonly settings: ApiKeySettings,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(KeyedAnswers) private readonly answers: KeyedAnswers,
  ) {}

  /**
   * Makes a key; its text is in the answer and nowhere else.
   * @throws {Problem} 404 `CLIENT_UNKNOWN`; 409 `CLIENT_DISABLED`, `API_KEY_EXISTS`, `API_KEYS_LIMIT`; 422 `POLICY_EXCEEDED`,
   * `PLAN_UNKNOWN`, `EXPIRY_INVALID`
   */
  async create(wanted: NewApiKey, caller: Caller): Promise<NewApiKeyJson> {
    const place = { kind: 'client', id: wanted.client_id } as const;
    return this.#recordingRefusal('created', place, caller, async () => {
      const now = this.clock();
      this.#check(wanted);
      const purpose = {
        clientId: wanted.client_id,
        name: wanted.name,
        audiences: wanted.audiences,
        networks: wanted.networks,
        plan: wanted.plan ?? null,
        createdBy: caller.principal.subject,
        expiresAt: this.#expiry(wanted.expires_at, now),
      };
      const made = newApiKey(purpose, this.settings, this.replica.secretKey, now);
      await this.database.transaction(async (transaction) => {
        await this.answers.begin(transaction, caller);
        await this.#takePlace(transaction, made.row, now, 1);
        await this.store.insert(transaction, made.row);
        await this.#record(transaction, 'created', null, made.row, caller, now);
        await this.answers.keep(transaction, caller, made.row.clientId, this.#shown(made, now));
      });
      return this.#shown(made, now);
    });
  }

  /**
   * Makes a successor with the same rights; the present key goes on for its grace.
   * @throws {Problem} 404 `API_KEY_UNKNOWN`; 409 `API_KEY_ENDED`, `API_KEY_ROTATED`, `API_KEYS_LIMIT`; 422 `EXPIRY_INVALID`
   */
  async rotate(
    id: string,
    { grace_seconds: grace, expires_at: asked }: Rotation,
    caller: Caller,
  ): Promise<NewApiKeyJson> {
    return this.#recordingRefusal('rotated', { kind: 'api-key', id }, caller, async () => {
      const known = await this.store.find(id);
      if (known === undefined) throw unknownApiKey();
      const { made, now, revoked } = await this.database.transaction(async (transaction) => {
        await this.answers.begin(transaction, caller);
        await this.store.lockClient(transaction, known.clientId);
        const before = await this.store.findForChange(transaction, id);
        const at = this.clock();
        if (before === undefined || !holdsPlace(before, at)) throw ended();
        if (before.successor !== null)
          throw new Problem(
            409,
            'API_KEY_ROTATED',
            'The API key has a successor already; rotate that one, or revoke this.',
          );
        const span = before.expiresAt.getTime() - before.createdAt.getTime();
        const purpose = { ...before, createdBy: caller.principal.subject, expiresAt: this.#expiry(asked, at, span) };
        const successor = newApiKey(purpose, this.settings, this.replica.secretKey, at);
        await this.#takePlace(transaction, successor.row, at, LIVE_KEYS_OF_A_NAME);
        await this.store.insert(transaction, successor.row);
        const endsAt = new Date(Math.min(at.getTime() + grace * 1_000, before.expiresAt.getTime()));
        const after = await this.store.change(transaction, id, { endsAt, successor: successor.row.id });
        await this.#record(transaction, 'rotated', before, after, caller, at, { successor: successor.row.id });
        // What it was exchanged for until now may last longer than a short grace; what follows ends with it.
        const row = grace < TOKEN_LIFETIME_LIMIT ? await this.#revokeTokens(transaction, id, caller) : undefined;
        await this.answers.keep(transaction, caller, id, this.#shown(successor, at));
        return { made: successor, now: at, revoked: row };
      });
      if (revoked !== undefined) await this.revocations.announce(revoked);
      return this.#shown(made, now);
    });
  }

  /** Refuses the key until it is enabled again. @throws {Problem} 404 `API_KEY_UNKNOWN`, 409 `API_KEY_ENDED` */
  async disable(id: string, reason: string | undefined, caller: Caller): Promise<ApiKeyJson> {
    return this.#change('disabled', id, reason, caller, (key, now) => {
      if (!holdsPlace(key, now)) throw ended();
      return { change: { disabledAt: key.disabledAt ?? now }, revokesTokens: true };
    });
  }

  /** @throws {Problem} 404 `API_KEY_UNKNOWN`, 409 `API_KEY_ENDED` */
  async enable(id: string, reason: string | undefined, caller: Caller): Promise<ApiKeyJson> {
    return this.#change('enabled', id, reason, caller, (key, now) => {
      if (!holdsPlace(key, now)) throw ended();
      return { change: { disabledAt: null }, revokesTokens: false };
    });
  }

  /** Refuses the key for ever; every service refuses it as soon as the feed has brought it. @throws {Problem} 404 `API_KEY_UNKNOWN` */
  async revoke(id: string, reason: string | undefined, caller: Caller): Promise<ApiKeyJson> {
    return this.#change('revoked', id, reason, caller, (key, now) => ({
      change: { revokedAt: key.revokedAt ?? now },
      revokesTokens: true,
    }));
  }

  #check({ client_id: clientId, audiences, plan }: NewApiKey): void {
    const registered = this.replica.client(clientId);
    if (registered === undefined) throw new Problem(404, 'CLIENT_UNKNOWN', 'There is no such client.');
    if (registered.disabled) throw new Problem(409, 'CLIENT_DISABLED', 'The client is disabled; enable it first.');
    const beyond = beyondPolicy(audiences, registered.client.policy);
    if (beyond !== undefined)
      throw new Problem(
        422,
        'POLICY_EXCEEDED',
        `The policy of the client does not have ${beyond}; add it there, or leave it out.`,
      );
    if (plan !== undefined && !this.plans.has(plan)) {
      const names = this.plans.names.join(', ');
      const known = names === '' ? 'PLANS_FILE declares none' : `PLANS_FILE declares ${names}`;
      throw new Problem(422, 'PLAN_UNKNOWN', `There is no such plan; ${known}.`);
    }
  }

  #expiry(asked: Date | undefined, now: Date, span?: number): Date {
    const expiry = expiryOf(asked, now, this.settings, span);
    if (expiry !== undefined) return expiry;
    const days = String(this.settings.lifetimeLimitDays);
    throw new Problem(422, 'EXPIRY_INVALID', `expires_at must be in the future, at most ${days} days from now.`);
  }

  /** Holds the client's lock until commit, so that no two requests count the same free place. */
  async #takePlace(transaction: Transaction, { clientId, name }: ApiKeyRow, now: Date, ofName: number): Promise<void> {
    await this.store.lockClient(transaction, clientId);
    const holding = await this.store.holdingPlace(transaction, clientId, now);
    if (holding.filter((key) => key.name === name).length >= ofName) {
      const detail =
        ofName === 1
          ? 'The client has a live API key of this name; rotate it, or choose another name.'
          : 'Two API keys of this name are live already; revoke the older one first.';
      throw new Problem(409, 'API_KEY_EXISTS', detail);
    }
    if (holding.length < this.settings.perClient) return;
    const limit = String(this.settings.perClient);
    throw new Problem(
      409,
      'API_KEYS_LIMIT',
      `The client has ${limit} live API keys, the maximum; revoke what is not used.`,
    );
  }

  async #change(
    done: Exclude<Change, 'created' | 'rotated'>,
    id: string,
    reason: string | undefined,
    caller: Caller,
    rule: (key: ApiKeyRow, now: Date) => Steps,
  ): Promise<ApiKeyJson> {
    return this.#recordingRefusal(done, { kind: 'api-key', id }, caller, async () => {
      const { json, revoked } = await this.database.transaction(async (transaction) => {
        await this.answers.begin(transaction, caller);
        const before = await this.store.findForChange(transaction, id);
        if (before === undefined) throw unknownApiKey();
        const now = this.clock();
        const { change, revokesTokens } = rule(before, now);
        const after = await this.store.change(transaction, id, change);
        await this.#record(transaction, done, before, after, caller, now, reason === undefined ? {} : { reason });
        const row = revokesTokens ? await this.#revokeTokens(transaction, id, caller, reason) : undefined;
        const answer = apiKeyJson(after, now);
        await this.answers.keep(transaction, caller, id, answer);
        return { json: answer, revoked: row };
      });
      if (revoked !== undefined) await this.revocations.announce(revoked);
      return json;
    });
  }

  #revokeTokens(transaction: Transaction, id: string, caller: Caller, reason?: string): Promise<RevocationRow> {
    return this.revocations.recordIn(transaction, { kind: 'api-key', apiKeyId: id }, by(caller), { reason });
  }

  #shown({ row, key }: MadeApiKey, now: Date): NewApiKeyJson {
    return { ...apiKeyJson(row, now), api_key: key };
  }

  async #record(
    transaction: Transaction,
    done: Change,
    before: ApiKeyRow | null,
    after: ApiKeyRow,
    caller: Caller,
    now: Date,
    further: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const changes = {
      before: before === null ? null : apiKeyJson(before, now),
      after: apiKeyJson(after, now),
      ...further,
    };
    await this.outbox.record(transaction, events.event(`api-key.${done}`, by(caller), { id: after.id, changes }));
  }

  async #recordingRefusal<Answer>(
    done: Change,
    place: { readonly kind: 'client' | 'api-key'; readonly id: string },
    caller: Caller,
    work: () => Promise<Answer>,
  ): Promise<Answer> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Problem) {
        const details = { ...place, action: actions[done], outcome: 'failed', reason: error.code } as const;
        await this.outbox.recordDurably(events.event('api-key.change_refused', by(caller), details));
      }
      throw error;
    }
  }
}
