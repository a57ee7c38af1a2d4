import { Inject, Injectable } from '@nestjs/common';
import { DEVICE_CODE } from '@countersign/auth-core';
import { OAuthError, type RequestTrace } from '@countersign/service-host';
import { type Form } from '../../authentication/oauth-form.js';
import { allowedSchema } from '../../authorization/code.js';
import { digestOfSecret } from '../../authorization/one-time-secret.js';
import { DevicesStore } from '../../device/devices.store.js';
import { type Client } from '../../registry/client.js';
import { claimsForPerson } from './claims-for-person.js';
import { decideGrantForPerson } from './decide-grant-for-person.js';
import { checkTarget } from './granted-target.js';
import { FurtherTokensOf } from './further-tokens.service.js';
import { GrantRefused, ofTransaction, type GrantBasis, type TokenGrant } from './grant.js';

const NOT_VALID = 'the device code is not valid: it is unknown, used, or not for this client';
const waits = {
  authorization_pending: 'the person has not decided yet; poll again after the interval',
  slow_down: 'poll less often: the interval is now five seconds longer',
  access_denied: 'the person refused',
  expired_token: 'the person did not decide in time; start again',
} as const;

/** What the trail says of an approval that went while its redemption was decided. */
const refusals = {
  USED: 'DEVICE_CODE_USED',
  WITHDRAWN: 'CONSENT_WITHDRAWN',
  EXPIRED: 'DEVICE_CODE_EXPIRED',
  SESSION_ENDED: 'SESSION_ENDED',
} as const;

/** `device_code` (RFC 8628, section 3.4): the client acts for the person who allowed its device. */
@Injectable()
export class DeviceCodeGrant implements TokenGrant {
  readonly type = DEVICE_CODE;
  readonly action = 'token:issue';
  readonly decidedBefore = true;

  /** A request is decided again when the registry changed in the meantime, but its device polled once. */
  readonly #polls = new WeakMap<RequestTrace, ReturnType<DevicesStore['poll']>>();

  constructor(
    @Inject(DevicesStore) private readonly devices: DevicesStore,
    @Inject(FurtherTokensOf) private readonly further: FurtherTokensOf,
  ) {}

  /** @throws {OAuthError} `authorization_pending`, `slow_down`, `access_denied`, `expired_token` */
  async read(form: Form, client: Client, trace: RequestTrace): Promise<GrantBasis> {
    const { device_code: code } = form;
    if (code === undefined) throw new GrantRefused('DEVICE_CODE_MISSING', 'device_code is missing', 'invalid_request');
    const poll = this.#polls.get(trace) ?? this.devices.poll(digestOfSecret(code), client.client_id);
    this.#polls.set(trace, poll);
    const found = await poll;
    if (found === undefined || found.answer === 'used') throw new GrantRefused('DEVICE_CODE_UNKNOWN', NOT_VALID);
    const { row, answer } = found;
    if (answer !== 'allowed') throw new OAuthError(400, answer, waits[answer]);
    const allowed = allowedSchema.parse(row.allowed);
    ofTransaction(allowed.id, () => {
      checkTarget(form, allowed.audience);
    });
    return {
      subject: undefined,
      request: { audience: allowed.audience, scopes: allowed.scopes },
      txn: allowed.id,
      decide: (policy) => decideGrantForPerson(policy, allowed, allowed.roles),
      claims: (parameters) => claimsForPerson(parameters, allowed),
      together: {
        commit: async (issuing, decided) => {
          const begun = await this.further.begin({ device: row.id }, client, allowed, issuing, decided);
          if (begun.outcome !== 'refused') return begun;
          return { outcome: 'refused', refusal: { reason: refusals[begun.because], description: NOT_VALID } };
        },
      },
    };
  }
}
