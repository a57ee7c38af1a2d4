import { Module, type DynamicModule, type ExecutionContext } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { principalOf } from '@countersign/audit-event';
import { AuthModule, type Refusal, TOKEN_VERIFIER } from '@countersign/auth';
import { type DpopNonces, type RevocationList, type TokenVerifier } from '@countersign/auth-core';
import { type FastifyRequest } from 'fastify';
import type pg from 'pg';
import { type Logger } from 'pino';
import { PostgresDpopReplayStore } from './dpop-replay.store.js';
import { type HealthRegistry } from './health.js';
import { messageTraceOf } from './message-trace.js';
import { auditRequest, traceOf, type RequestTrace } from './request-trace.js';
import { REVOCATION_FEED, RevocationsModule, type RevocationFeedSettings } from './revocations.js';
import { AUDIT_OUTBOX, DPOP_NONCES, HEALTH, LOGGER, POOL, RESOURCE_URL } from './tokens.js';

export interface ServiceAuthOptions {
  readonly issuer: string;
  readonly jwksUrl?: string | undefined;
  /** This service's name: the only `aud` it accepts. */
  readonly audience: string;
  /** How the keys are fetched; the issuer answers itself by it. */
  readonly fetch?: typeof globalThis.fetch;
  /** Where the service hears what is revoked: the feed's settings, or a list of its own. */
  readonly revocations?: RevocationFeedSettings | RevocationList;
}

function refusedTrace(context: ExecutionContext): RequestTrace {
  const kind = context.getType();
  if (kind === 'http') return traceOf(context.switchToHttp().getRequest<FastifyRequest>());
  if (kind === 'rpc') return messageTraceOf(context);
  throw new Error(`a refusal of the kind ${kind} cannot be recorded, so it is not answered`);
}

/** The audit event of a request or message that the guard refused; committed before the refusal is answered. */
async function recordRefusal(
  outbox: AuditOutbox,
  service: string,
  refusal: Refusal,
  context: ExecutionContext,
): Promise<void> {
  const trace = refusedTrace(context);
  await outbox.recordDurably({
    type: `countersign.${service}.request.refused.v1`,
    subject: trace.route,
    traceparent: trace.traceparent,
    data: {
      principal: refusal.principal === undefined ? null : principalOf(refusal.principal),
      txn: refusal.principal?.txn ?? null,
      action: `${trace.method} ${trace.route}`,
      resource: trace.route,
      outcome: 'denied',
      reason: refusal.code,
      request: auditRequest(trace),
    },
  });
}

/** The auth library as our own services use it: the guard is global, and each refusal is in the audit trail before it is answered. */
@Module({})
export class ServiceAuthModule {
  static forRoot(options: ServiceAuthOptions): DynamicModule {
    const { revocations } = options;
    const own = revocations !== undefined && 'isRevoked' in revocations ? revocations : undefined;
    const feed = revocations !== undefined && 'nats' in revocations ? revocations : undefined;
    return {
      module: ServiceAuthModule,
      imports: [
        ...(feed === undefined ? [] : [RevocationsModule.forRoot(options.audience, feed)]),
        AuthModule.forRootAsync({
          inject: [AUDIT_OUTBOX, POOL, LOGGER, RESOURCE_URL, DPOP_NONCES, { token: REVOCATION_FEED, optional: true }],
          useFactory: (
            outbox: AuditOutbox,
            pool: pg.Pool,
            logger: Logger,
            resource: string | undefined,
            nonces: DpopNonces | undefined,
            pushed: RevocationList | undefined = own,
          ) => ({
            dpopReplays: new PostgresDpopReplayStore(pool),
            onRoutes: (routes: readonly string[]) => {
              logger.info(
                { routes: routes.map((line) => line.replace(/ {2,}/g, '  ')) },
                'routes, and what each needs',
              );
            },
            ...(resource === undefined ? {} : { resource }),
            ...(nonces === undefined ? {} : { dpopNonces: nonces }),
            issuer: options.issuer,
            audience: options.audience,
            ...(options.jwksUrl === undefined ? {} : { jwksUrl: options.jwksUrl }),
            ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
            ...(pushed === undefined ? {} : { revocations: pushed }),
            onRefused: (refusal: Refusal, context: ExecutionContext) =>
              recordRefusal(outbox, options.audience, refusal, context),
          }),
        }),
      ],
      providers: [
        {
          provide: 'countersign.keys-health',
          inject: [HEALTH, TOKEN_VERIFIER],
          useFactory: (health: HealthRegistry, verifier: TokenVerifier) => {
            health.add('issuer_keys', () => {
              if (!verifier.keysLoaded) throw new Error('the keys of the issuer are not loaded yet');
            });
            return true;
          },
        },
      ],
    };
  }
}
