import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { principalOf, requestTurns } from '@countersign/auth';
import { DpopNonces, type Principal } from '@countersign/auth-core';
import { type FastifyInstance } from 'fastify';
import { type Registry } from 'prom-client';
import { watchConnections } from '../requests/connection-closing.js';
import { type HostConfiguration } from '../configuration.js';
import { gracefulStop } from './graceful-stop.js';
import { type HealthRegistry } from '../health/health.js';
import { HostModule } from './host.module.js';
import { createLogger, nestLogger } from './logging.js';
import { requestDurations } from './metrics.js';
import { routeSchemaOptions } from './route-schemas.js';
import { OpenApiDocument } from '../openapi/openapi.service.js';
import { requestCheckOptions, checkRequests } from '../requests/request-checks.js';
import { letQuietWorkEnd } from '../requests/quiet-work.js';
import { RecordedAnswers } from '../trail/recorded-answers.guard.js';
import { RepeatedLines } from '../requests/repeated-lines.js';
import { refusedCallerOf, traceOf } from '../trace/request-trace.js';
import { HEALTH, METRICS } from '../tokens.js';
import { trustedProxies } from '../trace/trusted-proxies.js';

/** Maximum bytes that a request body may have. */
export const BODY_LIMIT = 64 * 1024;

/** Fraction of the graceful shutdown time after which requests still in flight are cut. */
const CUT_AT = 0.7;

/** What {@link startService} starts. */
export interface ServiceOptions {
  /** The service's name: its audience, its log prefix, its source in the audit trail. */
  readonly name: string;
  readonly configuration: HostConfiguration;
  readonly module: Type | DynamicModule;
  readonly version?: string;
  /**
   * Adds plug-ins, hooks and decorators to Fastify (cookies, static files, a content security policy), after the service's own and before
   * its routes. A route added here is open: the guard, the route report and the check for recorded answers only know Nest's routes.
   */
  readonly configure?: (fastify: FastifyInstance) => void | Promise<void>;
}

@Module({})
class ServiceModule {}

function noncesOf({ DPOP_NONCE_KEY: key }: HostConfiguration): DpopNonces | undefined {
  return key === undefined ? undefined : new DpopNonces({ key });
}

function adapter({ TRUSTED_PROXIES: proxies }: HostConfiguration): FastifyAdapter {
  return new FastifyAdapter({
    ...(proxies.length === 0 ? {} : { trustProxy: trustedProxies(proxies) }),
    bodyLimit: BODY_LIMIT,
    requestTimeout: 30_000,
    connectionTimeout: 60_000,
    forceCloseConnections: 'idle',
    ...requestCheckOptions,
    ...routeSchemaOptions,
  });
}

/** Who called, for the log; undefined for an unverified caller. */
function callerOf(principal: Principal | undefined): object {
  return principal === undefined ? {} : { client: principal.clientId, subject: principal.subject };
}

/**
 * Builds the service's application without listening: routes, problem details, request ids, logs, metrics, health.
 * @returns the initialised Nest application on Fastify
 * @throws what its parts threw at startup; nothing is left running
 */
export async function createService(options: ServiceOptions): Promise<NestFastifyApplication> {
  const { name, configuration, version = '0.1.0' } = options;
  const logger = createLogger(name, configuration);
  const app = await NestFactory.create<NestFastifyApplication>(
    {
      module: ServiceModule,
      imports: [
        HostModule.forRoot({
          name,
          logger,
          version,
          resource: configuration.RESOURCE_URL,
          nonces: noncesOf(configuration),
        }),
        options.module,
      ],
    },
    adapter(configuration),
    { logger: nestLogger(logger), bodyParser: false, abortOnError: false },
  );
  const fastify = app.getHttpAdapter().getInstance();
  const durations = requestDurations(app.get<Registry>(METRICS));
  fastify.addHook('onRequest', requestTurns());
  fastify.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', traceOf(request).requestId);
    reply.header('x-content-type-options', 'nosniff');
    // Responses are personal, or about to change: one that may be cached says so itself (RFC 9111).
    reply.header('cache-control', 'no-store');
    done();
  });
  letQuietWorkEnd(fastify);
  checkRequests(fastify);
  const records = app.get(RecordedAnswers);
  fastify.addHook('onSend', (request, reply, payload, done) => {
    done(null, records.check(request, reply, payload));
  });
  const lines = new RepeatedLines(() => performance.now());
  fastify.addHook('onResponse', (request, reply, done) => {
    const trace = traceOf(request);
    const { requestId, traceId, method, route } = trace;
    durations.observe({ method, route, status: reply.statusCode }, reply.elapsedTime / 1_000);
    const level = route.startsWith('/health') || route === '/metrics' ? 'debug' : 'info';
    const refused = refusedCallerOf(trace);
    const flooding = reply.statusCode === 429 ? refused?.apiKey?.id : undefined;
    const unlogged = flooding === undefined ? 0 : lines.next(`${flooding} ${method} ${route}`);
    if (unlogged !== undefined && logger.isLevelEnabled(level)) {
      const ms = Math.round(reply.elapsedTime * 10) / 10;
      logger[level](
        {
          request_id: requestId,
          trace_id: traceId,
          method,
          route,
          status: reply.statusCode,
          ms,
          ...(unlogged === 0 ? {} : { unlogged }),
          ...callerOf(principalOf(request) ?? refused),
        },
        `${method} ${route} ${String(reply.statusCode)}`,
      );
    }
    done();
  });
  const letConnectionsGo = watchConnections(fastify.server);
  fastify.addHook('preClose', (done) => {
    letConnectionsGo(configuration.SHUTDOWN_TIMEOUT_MS * CUT_AT);
    done();
  });
  app.get(OpenApiDocument).describe(app, name, version);
  try {
    await options.configure?.(fastify);
    await app.init();
  } catch (error) {
    // Whatever started (pools, connections, timers) is closed too; the embedding process may continue.
    await app.close().catch(() => undefined);
    throw error;
  }
  return app;
}

/**
 * Starts a service and stops it gracefully on SIGTERM or SIGINT: readiness fails, after `DRAIN_MS` in-flight requests finish, the relay stops, the pool closes.
 * SIGHUP ends nothing.
 * A service that cannot start prints why and exits with code 1 (2 for a wrong configuration).
 */
export async function startService(options: ServiceOptions): Promise<NestFastifyApplication> {
  const logger = createLogger(options.name, options.configuration);
  const app = await createService(options);
  await app.listen(options.configuration.PORT, options.configuration.HOST);
  const stop = gracefulStop({
    health: app.get<HealthRegistry>(HEALTH),
    logger,
    drainMs: options.configuration.DRAIN_MS,
    timeoutMs: options.configuration.SHUTDOWN_TIMEOUT_MS,
    close: () => app.close(),
    exit: (code) => process.exit(code),
  });
  process.on('SIGTERM', stop).on('SIGINT', stop);
  // Its default would end the service abruptly.
  process.on('SIGHUP', () => {
    logger.info('SIGHUP changes nothing: passwords in files are read again for every new connection');
  });
  logger.info({ url: await app.getUrl(), startup_ms: Math.round(performance.now()) }, 'ready');
  return app;
}
