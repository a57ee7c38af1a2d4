import { Inject, Injectable } from '@nestjs/common';
import { type NewAuditEvent } from '@countersign/audit-event';
import { bucketKeysAgainst } from '@countersign/revocation-feed';
import { METRICS, OAuthError, type RequestTrace } from '@countersign/service-host';
import { Counter, type Registry } from 'prom-client';
import { TooManyRequests } from '../limits/authentication-limits.service.js';
import { Replica } from '../registry/replica.service.js';
import { signAccessToken } from './grants/access-token.js';
import { type DecisionGround } from './commits/decided.js';
import { type OutcomeTogether } from './grants/grant.js';
import { Issuances } from './commits/issuances.store.js';
import { proofUsed, SenderConstraint } from '../authentication/sender-constraint.service.js';
import { type Granted, type Refused, type TokenDecision } from './token-decision.js';
import { overtaken, proofReplayed, TokenDecisions, type TokenHeaders } from './token-decisions.service.js';
import { tokenEvent } from './token-event.js';

/** Maximum times that one request is decided, since clients, keys or revocations changed in the meantime: many people disabled at once change them a hundred times per second. */
const ATTEMPTS = 20;

/** The answer of RFC 6749, section 5.1, and RFC 8693, section 2.2.1. */
export interface TokenAnswer {
  readonly access_token: string;
  readonly token_type: 'Bearer' | 'DPoP';
  /** Seconds. */
  readonly expires_in: number;
  readonly scope: string;
  readonly issued_token_type?: string;
  readonly refresh_token?: string;
  readonly id_token?: string;
}

function tokenAnswer(token: string, { grant, claims: { exp, iat, scope, cnf } }: Granted): TokenAnswer {
  const type = cnf === undefined ? 'Bearer' : 'DPoP';
  const answer = { access_token: token, token_type: type, expires_in: exp - iat, scope } as const;
  const { issuedTokenType } = grant;
  return issuedTokenType === undefined ? answer : { ...answer, issued_token_type: issuedTokenType };
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
  async issue(body: unknown, headers: TokenHeaders, trace: RequestTrace): Promise<TokenAnswer> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const { ground } = this.replica;
      const decision = await this.decisions.decide(body, headers, trace, attempt > 0);
      if (!decision.granted && decision.answer instanceof TooManyRequests) return this.#refuse(decision, trace);
      const signed = decision.granted ? signAccessToken(decision.claims, this.replica.signer) : undefined;
      // A local key signs synchronously: no turn of the event loop is spent on it.
      const token = signed instanceof Promise ? await signed : signed;
      const { subject } = decision;
      const against = subject === undefined ? undefined : [...bucketKeysAgainst(subject)];
      const event = tokenEvent(decision, trace);
      const committed = await this.#commit(decision, { ...ground, against }, event, trace);
      if (committed.outcome === 'outdated') {
        await this.replica.refresh();
        continue;
      }
      if (committed.outcome === 'replayed') {
        return this.#refuse(await this.decisions.replayed(decision, trace), trace);
      }
      if (!decision.granted) throw this.#counted(decision);
      if (committed.outcome === 'proof_replayed') return this.#refuse(proofReplayed(decision, proofUsed()), trace);
      if (committed.outcome === 'refused') {
        // Nothing was committed that would have used the proof up; a copied request is refused as one, and has no other consequence.
        const used = decision.proof === undefined ? undefined : await this.constraint.useOnce(decision.proof);
        if (used !== undefined) return this.#refuse(proofReplayed(decision, used), trace);
        await committed.refusal.consequence?.();
        return this.#refuse(overtaken(decision, committed.refusal), trace);
      }
      if (token === undefined) throw new Error('a granted token is signed');
      this.#counter.inc({ outcome: 'issued', reason: '' });
      const answer = tokenAnswer(token, decision);
      return committed.further === undefined ? answer : { ...answer, ...committed.further };
    }
    throw new OAuthError(503, 'temporarily_unavailable', 'the registry is changing; try again', { 'retry-after': '1' });
  }

  async #commit(
    decision: TokenDecision,
    ground: DecisionGround,
    event: NewAuditEvent,
    trace: RequestTrace,
  ): Promise<OutcomeTogether> {
    const decided = this.issuances.decided(ground, decision, event);
    let committed: OutcomeTogether;
    if (!decision.granted || decision.together === undefined) {
      committed = { outcome: await this.issuances.commit(decided) };
    } else {
      const { together, client, claims, proof } = decision;
      const issuing = { clientId: client.client_id, claims, boundTo: proof?.thumbprint, trace };
      committed = await together.commit(issuing, decided);
    }
    if (committed.outcome === 'committed') this.issuances.announce(event);
    return committed;
  }

  #counted({ answer, reason }: Refused): OAuthError {
    this.#counter.inc({ outcome: 'refused', reason });
    return answer;
  }

  /** Refuses what holds whatever the registry's version. Beyond a limit the first refusal of a window is recorded, the flood behind it is counted. */
  async #refuse(decision: Refused, trace: RequestTrace): Promise<never> {
    const { answer } = decision;
    if (!(answer instanceof TooManyRequests) || answer.first) await this.issuances.record(tokenEvent(decision, trace));
    throw this.#counted(decision);
  }
}
