import { Inject, Injectable } from '@nestjs/common';
import {
  by,
  CLOCK,
  DATABASE,
  KeyedAnswers,
  Problem,
  type Caller,
  type Database,
  type Transaction,
} from '@countersign/service-host';
import { apiKeyJson, beyondPolicy, holdsPlace, LIVE_KEYS_OF_A_NAME, type ApiKeyJson } from '../api-keys/api-key.js';
import { ApiKeysStore } from '../api-keys/api-keys.store.js';
import { type ApiKeyRow } from '../api-keys/api-keys.tables.js';
import {
  API_KEY_SETTINGS,
  expiryOf,
  newApiKey,
  type ApiKeySettings,
  type MadeApiKey,
} from '../api-keys/new-api-key.js';
import { PLANS, type Plans } from '../api-keys/plan.js';
import { TOKEN_LIFETIME_LIMIT } from '../registry/client.js';
import { Replica } from '../registry/replica.service.js';
import { RevocationService } from '../revocation/revocation.service.js';
import { type NewApiKey, type Rotation } from './api-key-requests.js';
import { apiKeyDisabled, apiKeyEnded, unknownApiKey } from './api-key-problems.js';
import { ApiKeyTrail } from './api-key-trail.service.js';

/** A key as it is shown, once. */
export type NewApiKeyJson = ApiKeyJson & { readonly api_key: string };

/** Creates API keys. Each commits together with its audit event, and with the revocation of the tokens that its predecessor was exchanged for. */
@Injectable()
export class NewApiKeys {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(ApiKeysStore) private readonly store: ApiKeysStore,
    @Inject(Replica) private readonly replica: Replica,
    @Inject(RevocationService) private readonly revocations: RevocationService,
    @Inject(PLANS) private readonly plans: Plans,
    @Inject(API_KEY_SETTINGS) private readonly settings: ApiKeySettings,
    @Inject(ApiKeyTrail) private readonly trail: ApiKeyTrail,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(KeyedAnswers) private readonly answers: KeyedAnswers,
  ) {}

  /**
   * Creates a key; only the response contains its text.
   * @throws {Problem} 404 `CLIENT_UNKNOWN`; 409 `CLIENT_DISABLED`, `API_KEY_EXISTS`, `API_KEYS_LIMIT`; 422 `POLICY_EXCEEDED`,
   * `PLAN_UNKNOWN`, `EXPIRY_INVALID`
   */
  async create(wanted: NewApiKey, caller: Caller): Promise<NewApiKeyJson> {
    const place = { kind: 'client', id: wanted.client_id } as const;
    return this.trail.recordingRefusal('created', place, caller, async () => {
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
        await this.trail.record(transaction, 'created', caller, { before: null, after: made.row, at: now });
        await this.answers.keep(transaction, caller, made.row.id, this.#shown(made, now));
      });
      return this.#shown(made, now);
    });
  }

  /**
   * Creates a successor with the same rights; the current key keeps working for its grace period.
   * @throws {Problem} 404 `API_KEY_UNKNOWN`; 409 `API_KEY_ENDED`, `API_KEY_DISABLED`, `API_KEY_ROTATED`, `API_KEY_EXISTS`, `API_KEYS_LIMIT`; 422
   * `EXPIRY_INVALID`
   */
  async rotate(
    id: string,
    { grace_seconds: grace, expires_at: asked }: Rotation,
    caller: Caller,
  ): Promise<NewApiKeyJson> {
    return this.trail.recordingRefusal('rotated', { kind: 'api-key', id }, caller, async () => {
      const known = await this.store.find(id);
      if (known === undefined) throw unknownApiKey();
      const { made, now, revoked } = await this.database.transaction(async (transaction) => {
        await this.answers.begin(transaction, caller);
        await this.store.lockClient(transaction, known.clientId);
        const before = await this.store.findForChange(transaction, id);
        const at = this.clock();
        if (before === undefined || !holdsPlace(before, at)) throw apiKeyEnded();
        // A successor would work, and so undo the disabling.
        if (before.disabledAt !== null) throw apiKeyDisabled();
        if (before.successor !== null)
          throw new Problem(
            409,
            'API_KEY_ROTATED',
            'The API key already has a successor; rotate the successor, or revoke this key.',
          );
        const span = before.expiresAt.getTime() - before.createdAt.getTime();
        const purpose = { ...before, createdBy: caller.principal.subject, expiresAt: this.#expiry(asked, at, span) };
        const successor = newApiKey(purpose, this.settings, this.replica.secretKey, at);
        await this.#takePlace(transaction, successor.row, at, LIVE_KEYS_OF_A_NAME);
        await this.store.insert(transaction, successor.row);
        const endsAt = new Date(Math.min(at.getTime() + grace * 1_000, before.expiresAt.getTime()));
        const after = await this.store.change(transaction, id, { endsAt, successor: successor.row.id });
        await this.trail.record(transaction, 'rotated', caller, {
          before,
          after,
          at,
          further: { successor: successor.row.id },
        });
        // Existing tokens may outlive a short grace period; later ones expire with it.
        const row =
          grace < TOKEN_LIFETIME_LIMIT
            ? await this.revocations.recordIn(transaction, { kind: 'api-key', apiKeyId: id }, by(caller))
            : undefined;
        await this.answers.keep(transaction, caller, id, this.#shown(successor, at));
        return { made: successor, now: at, revoked: row };
      });
      if (revoked !== undefined) await this.revocations.announce(revoked);
      return this.#shown(made, now);
    });
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
        `The client's policy does not include ${beyond}; add it there, or leave it out.`,
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

  /** Holds the client's lock until commit, so that no two requests count the same free slot. */
  async #takePlace(transaction: Transaction, { clientId, name }: ApiKeyRow, now: Date, ofName: number): Promise<void> {
    await this.store.lockClient(transaction, clientId);
    const holding = await this.store.holdingPlace(transaction, clientId, now);
    if (holding.filter((key) => key.name === name).length >= ofName) {
      const detail =
        ofName === 1
          ? 'The client already has a live API key with this name; rotate it, or choose another name.'
          : 'Two API keys with this name are already live; revoke the older one first.';
      throw new Problem(409, 'API_KEY_EXISTS', detail);
    }
    if (holding.length < this.settings.perClient) return;
    const limit = String(this.settings.perClient);
    throw new Problem(
      409,
      'API_KEYS_LIMIT',
      `The client has ${limit} live API keys, the maximum; revoke one that is not used.`,
    );
  }

  #shown({ row, key }: MadeApiKey, now: Date): NewApiKeyJson {
    return { ...apiKeyJson(row, now), api_key: key };
  }
}
