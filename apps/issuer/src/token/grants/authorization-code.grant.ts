import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type RequestTrace } from '@countersign/service-host';
import { byClient } from '../../authentication/by-client.js';
import { type Form } from '../../authentication/oauth-form.js';
import { type KeptCode } from '../../authorization/code.js';
import { CodesStore } from '../../authorization/codes.store.js';
import { digestOfSecret } from '../../authorization/one-time-secret.js';
import { verifierFits } from '../../authorization/pkce.js';
import { Delegations } from '../../delegations/delegations.service.js';
import { type Client, type Policy } from '../../registry/client.js';
import { refused } from '../../registry/refused.js';
import { claimsForPerson } from './claims-for-person.js';
import { decideGrantForPerson } from './decide-grant-for-person.js';
import { checkTarget } from './granted-target.js';
import { FurtherTokensOf } from './further-tokens.service.js';
import { type Decided } from '../commits/decided.js';
import {
  GrantRefused,
  ofTransaction,
  type GrantBasis,
  type GrantDecision,
  type Issuing,
  type OutcomeTogether,
  type TokenGrant,
} from './grant.js';

/** One answer for whatever is wrong with a code, so that nobody finds out which codes there are. */
const NOT_VALID =
  'the code is not valid: it is unknown, expired, used, or not for this client, redirect_uri, verifier or key';

/** What the trail says of a code that went while its redemption was decided. */
const refusals = {
  USED: 'CODE_REPLAYED',
  WITHDRAWN: 'CONSENT_WITHDRAWN',
  EXPIRED: 'CODE_EXPIRED',
  SESSION_ENDED: 'SESSION_ENDED',
} as const;

/** What a code gives now: the policy may have become narrower since the person allowed it. */
function decideCode(policy: Policy, { allowed, dpopKey }: KeptCode, boundTo: string | undefined): GrantDecision {
  if (dpopKey !== undefined && dpopKey !== boundTo) return refused('invalid_grant', NOT_VALID);
  return decideGrantForPerson(policy, allowed, allowed.roles);
}

/** `authorization_code` (RFC 6749, section 4.1.3; RFC 7636): the client acts for the person who allowed it. */
@Injectable()
export class AuthorizationCode implements TokenGrant {
  readonly type = 'authorization_code';
  readonly action = 'token:issue';
  readonly decidedBefore = true;

  constructor(
    @Inject(CodesStore) private readonly codes: CodesStore,
    @Inject(Delegations) private readonly delegations: Delegations,
    @Inject(FurtherTokensOf) private readonly further: FurtherTokensOf,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /** @throws {GrantRefused} for a replayed code, which is an alarm: its tokens end */
  async read(form: Form, client: Client, trace: RequestTrace): Promise<GrantBasis> {
    const code = await this.#codeOf(form, client, trace);
    const { allowed } = code;
    ofTransaction(allowed.id, () => {
      checkTarget(form, allowed.audience);
    });
    return {
      subject: undefined,
      request: { audience: allowed.audience, scopes: allowed.scopes },
      txn: allowed.id,
      decide: (policy, _request, _now, boundTo) => decideCode(policy, code, boundTo),
      claims: (parameters) => claimsForPerson(parameters, allowed),
      together: { commit: (issuing, decided) => this.#redeem(client, code, issuing, decided) },
    };
  }

  async #codeOf(form: Form, { client_id: clientId }: Client, trace: RequestTrace): Promise<KeptCode> {
    const { code: text, code_verifier: verifier, redirect_uri: redirectUri } = form;
    if (text === undefined) throw new GrantRefused('CODE_MISSING', 'code is missing', 'invalid_request');
    if (verifier === undefined)
      throw new GrantRefused('VERIFIER_MISSING', 'code_verifier is missing', 'invalid_request');
    const code = await this.codes.find(digestOfSecret(text));
    if (code === undefined) throw new GrantRefused('CODE_UNKNOWN', NOT_VALID);
    const fault = (reason: string): GrantRefused =>
      new GrantRefused(reason, NOT_VALID, 'invalid_grant', code.allowed.id);
    if (code.clientId !== clientId) throw fault('CODE_OF_ANOTHER_CLIENT');
    if (code.redeemedAt !== undefined) {
      await this.#replayed(code, trace);
      throw fault('CODE_REPLAYED');
    }
    if (code.withdrawnAt !== undefined) throw fault('CONSENT_WITHDRAWN');
    if (code.expiresAt <= this.clock()) throw fault('CODE_EXPIRED');
    // OAuth 2.1 leaves redirect_uri out here; one that is sent must be the same.
    if (redirectUri !== undefined && redirectUri !== code.redirectUri) {
      throw fault('CODE_REDIRECT_DIFFERS');
    }
    if (!verifierFits(verifier, code.codeChallenge)) throw fault('CODE_VERIFIER_WRONG');
    return code;
  }

  /** RFC 6749, section 4.1.2: somebody else may have the code, so nothing that it brought may go on. */
  async #replayed({ allowed: { id }, clientId }: KeptCode, trace: RequestTrace): Promise<void> {
    await this.delegations.end({ id }, 'CODE_REPLAYED', byClient(clientId, trace, id));
  }

  async #redeem(client: Client, code: KeptCode, issuing: Issuing, decided: Decided): Promise<OutcomeTogether> {
    const begun = await this.further.begin({ code: code.digest }, client, code.allowed, issuing, decided);
    if (begun.outcome !== 'refused') return begun;
    const reason = refusals[begun.because];
    const consequence = reason === 'CODE_REPLAYED' ? () => this.#replayed(code, issuing.trace) : undefined;
    return { outcome: 'refused', refusal: { reason, description: NOT_VALID, consequence } };
  }
}
