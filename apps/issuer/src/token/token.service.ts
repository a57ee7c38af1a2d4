import { Inject, Injectable } from '@nestjs/common';
import { bucketKeysAgainst } from '@countersign/revocation-feed';
import { METRICS, OAuthError, type RequestTrace } from '@countersign/service-host';
import { Counter, type Registry } from 'prom-client';
import { TooManyRequests } from '../limits/authentication-limits.js';
import { Replica } from '../replica/replica.js';
import { signAccessToken, type AccessTokenClaims } from './access-token.js';
import { Issuances } from './issuances.store.js';
import { SenderConstraint } from './sender-constraint.js';
import { TokenDecisions, type TokenCaller, type TokenDecision } from './token-decisions.js';
import { tokenEvent } from './token-event.js';
import { ACCESS_TOKEN_TYPE } from './token-request.js';

/** How often a request is decided anew because clients or keys changed meanwhile. */
const ATTEMPTS = 5;

/** The answer of RFC 6749, section 5.1, and RFC 8693, section 2.2.1. */
export interface TokenAnswer {
  readonly access_token: string;
  readonly token_type: 'Bearer' | 'DPoP';
  /** Seconds. */
  readonly expires_in: number;
  readonly scope: string;
  readonly issued_token_type?: typeof ACCESS_TOKEN_TYPE;
}

function answerOf(token: string, { exp, iat, scope, cnf }: AccessTokenClaims, exchanged: boolean): TokenAnswer {
  const type = cnf === undefined ? 'Bearer' : 'DPoP';
  const answer = { access_token: token, token_type: type, expires_in: exp - iat, scope } as const;
  return exchanged ? { ...answer, issued_token_type: ACCESS_TOKEN_TYPE } : answer;
}

/** Authenticate → decide → sign → record → answer. A token is not handed out before its event is durable. */
@Injectable()
export class TokenService {
  readonly #counter: Counter<'outcome' | 'reason'>;

  constructor(
    @Inject(Replica) private readonly replica: Replica,
    @Inject(TokenDecisions) private readonly decisions: TokenDecisions,
    @Inject(Issuances) private readonly issuances: Issuances,
    @Inject(SenderConstraint) private readonly constraint: SenderConstraint,
    @Inject(METRICS) metrics: Registry,
  ) {
    this.#counter = new Counter({
      name: 'issuer_token_requests_total',
      help: 'Requests to the token endpoint, by outcome and reason.',
      labelNames: ['outcome', 'reason'],
      registers: [metrics],
    });
  }

  /** @throws {OAuthError} the refusal; it is recorded by then */
  async issue(body: unknown, headers: Omit<TokenCaller, 'trace'>, trace: RequestTrace): Promise<TokenAnswer> {
    const caller = { ...headers, trace };
    let proven = false;
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const { ground } = this.replica;
      const decision = await this.decisions.decide(body, caller, attempt > 0);
      if (decision.refusal?.answer instanceof TooManyRequests) return this.#refuse(decision, trace);
      const { claims, subject, proof } = decision;
      if (claims !== undefined && proof !== undefined && !proven) {
        const answer = await this.constraint.useOnce(proof);
        if (answer !== undefined) return this.#refuseProof(decision, answer, trace);
        proven = true;
      }
      const token = claims === undefined ? undefined : signAccessToken(claims, this.replica.active);
      const against = subject === undefined ? undefined : [...bucketKeysAgainst(subject)];
      const event = tokenEvent(decision, trace);
      const outcome = await this.issuances.commit({ ...ground, against }, decision.assertion, event);
      if (outcome === 'outdated') {
        await this.replica.refresh();
        continue;
      }
      if (outcome === 'replayed') return this.#refuse(await this.decisions.replayed(decision, trace), trace);
      if (claims === undefined || token === undefined) throw this.#refused(decision);
      this.#counter.inc({ outcome: 'issued', reason: '' });
      return answerOf(token, claims, subject !== undefined);
    }
    throw new OAuthError(503, 'temporarily_unavailable', 'the registry is changing; try again', { 'retry-after': '1' });
  }

  #refused({ refusal }: TokenDecision): Error {
    if (refusal === undefined) return new Error('a decision is a token or a refusal');
    this.#counter.inc({ outcome: 'refused', reason: refusal.reason });
    return refusal.answer;
  }

  /** Refuses what holds whatever the registry's version. Beyond a limit the first refusal of a window is recorded, the flood behind it is counted. */
  async #refuse(decision: TokenDecision, trace: RequestTrace): Promise<never> {
    const answer = decision.refusal?.answer;
    if (!(answer instanceof TooManyRequests) || answer.first) await this.issuances.record(tokenEvent(decision, trace));
    throw this.#refused(decision);
  }

  /** The proof was used before: somebody may have copied the request. The assertion is not used up. */
  async #refuseProof(
    { client, request, subject }: TokenDecision,
    answer: OAuthError,
    trace: RequestTrace,
  ): Promise<never> {
    const known = { ...(client === undefined ? {} : { client }), ...(request === undefined ? {} : { request }) };
    const refusal = { answer, reason: 'DPOP_PROOF_REPLAYED' };
    return this.#refuse({ ...known, ...(subject === undefined ? {} : { subject }), refusal }, trace);
  }
}
