import { Inject, Injectable } from '@nestjs/common';
import { by, CLOCK, DATABASE, KeyedAnswers, type Caller, type Database } from '@countersign/service-host';
import { apiKeyJson, holdsPlace, type ApiKeyJson } from '../api-keys/api-key.js';
import { ApiKeysStore, type ApiKeyChange } from '../api-keys/api-keys.store.js';
import { type ApiKeyRow } from '../api-keys/api-keys.tables.js';
import { RevocationService } from '../revocation/revocation.service.js';
import { apiKeyEnded, unknownApiKey } from './api-key-problems.js';
import { ApiKeyTrail, type ApiKeyChangeDone } from './api-key-trail.service.js';

/** What one change does: the key's new state, and whether the tokens it was exchanged for are refused from then on. */
interface Steps {
  readonly change: ApiKeyChange;
  readonly revokesTokens: boolean;
}

/** What an administrator may do with an existing API key. Each change commits together with its audit event, and with the revocation of its tokens. */
@Injectable()
export class ApiKeyChanges {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(ApiKeysStore) private readonly store: ApiKeysStore,
    @Inject(RevocationService) private readonly revocations: RevocationService,
    @Inject(ApiKeyTrail) private readonly trail: ApiKeyTrail,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(KeyedAnswers) private readonly answers: KeyedAnswers,
  ) {}

  /** Refuses the key until it is enabled again. @throws {Problem} 404 `API_KEY_UNKNOWN`, 409 `API_KEY_ENDED` */
  async disable(id: string, reason: string | undefined, caller: Caller): Promise<ApiKeyJson> {
    return this.#change('disabled', id, reason, caller, (key, now) => {
      if (!holdsPlace(key, now)) throw apiKeyEnded();
      return { change: { disabledAt: key.disabledAt ?? now }, revokesTokens: true };
    });
  }

  /** @throws {Problem} 404 `API_KEY_UNKNOWN`, 409 `API_KEY_ENDED` */
  async enable(id: string, reason: string | undefined, caller: Caller): Promise<ApiKeyJson> {
    return this.#change('enabled', id, reason, caller, (key, now) => {
      if (!holdsPlace(key, now)) throw apiKeyEnded();
      // No earlier token is accepted, but the feed's entry makes every service ask about the key again.
      return { change: { disabledAt: null }, revokesTokens: key.disabledAt !== null };
    });
  }

  /** Refuses the key permanently; every service refuses it as soon as the feed has delivered the revocation. @throws {Problem} 404 `API_KEY_UNKNOWN` */
  async revoke(id: string, reason: string | undefined, caller: Caller): Promise<ApiKeyJson> {
    return this.#change('revoked', id, reason, caller, (key, now) => ({
      change: { revokedAt: key.revokedAt ?? now },
      revokesTokens: true,
    }));
  }

  async #change(
    done: Exclude<ApiKeyChangeDone, 'created' | 'rotated'>,
    id: string,
    reason: string | undefined,
    caller: Caller,
    rule: (key: ApiKeyRow, now: Date) => Steps,
  ): Promise<ApiKeyJson> {
    return this.trail.recordingRefusal(done, { kind: 'api-key', id }, caller, async () => {
      const { json, revoked } = await this.database.transaction(async (transaction) => {
        await this.answers.begin(transaction, caller);
        const before = await this.store.findForChange(transaction, id);
        if (before === undefined) throw unknownApiKey();
        const now = this.clock();
        const { change, revokesTokens } = rule(before, now);
        const after = await this.store.change(transaction, id, change);
        await this.trail.record(transaction, done, caller, {
          before,
          after,
          at: now,
          further: reason === undefined ? {} : { reason },
        });
        const row = revokesTokens
          ? await this.revocations.recordIn(transaction, { kind: 'api-key', apiKeyId: id }, by(caller), { reason })
          : undefined;
        const answer = apiKeyJson(after, now);
        await this.answers.keep(transaction, caller, id, answer);
        return { json: answer, revoked: row };
      });
      if (revoked !== undefined) await this.revocations.announce(revoked);
      return json;
    });
  }
}
