import { setTimeout as delay } from 'node:timers/promises';
import { Global, Inject, Module, type BeforeApplicationShutdown, type DynamicModule } from '@nestjs/common';
import { connectToNats, type NatsOptions } from '@countersign/audit-client';
import { startRevocationFeed, type RevocationFeed } from '@countersign/revocation-feed';
import { Gauge, Histogram, type Registry } from 'prom-client';
import { type Logger } from 'pino';
import { type z } from 'zod';
import {
  type issuerVariables,
  type natsVariables,
  type resourceServerVariables,
  type revocationVariables,
} from '../configuration.js';
import { natsOf } from '../database/connection-settings.js';
import { type HealthRegistry } from '../health/health.js';
import { HEALTH, LOGGER, METRICS } from '../tokens.js';
import { QUIET_START_MS } from './keys-log.js';

/** Where revocations come from, and what happens to tokens while they cannot be received. */
export interface RevocationFeedSettings {
  readonly nats: NatsOptions;
  readonly whenLost: 'accept' | 'refuse';
  readonly atStart: 'accept' | 'refuse';
  /** Seconds of `accept`. */
  readonly graceSeconds: number;
  /** The URL of the issuer's revocation keys; by default next to its other keys. */
  readonly keysUrl?: string | undefined;
  readonly keysFile?: string | undefined;
  readonly listFile?: string | undefined;
}

type Configuration = Pick<
  z.infer<z.ZodObject<typeof resourceServerVariables>>,
  keyof typeof natsVariables | keyof typeof issuerVariables | keyof typeof revocationVariables
>;

/** How a service receives revocations, from its variables. */
export function revocationFeedSettings(configuration: Configuration): RevocationFeedSettings {
  const { JWKS_URL: jwksUrl, REVOCATION_JWKS_URL: ownUrl } = configuration;
  const besideJwks = jwksUrl === undefined ? undefined : new URL('revocation-jwks.json', jwksUrl).href;
  return {
    nats: natsOf(configuration),
    whenLost: configuration.REVOCATION_WHEN_LOST,
    atStart: configuration.REVOCATION_AT_START,
    graceSeconds: configuration.REVOCATION_GRACE_SECONDS,
    keysUrl: ownUrl ?? besideJwks,
    keysFile: configuration.REVOCATION_KEYS_FILE,
    listFile: configuration.REVOCATION_LIST_FILE,
  };
}

export const REVOCATION_FEED = Symbol.for('countersign.revocation-feed');

/** Milliseconds to wait for the revocations at startup, so that a restarted service has them before its first request. */
const START_WAIT_MS = 1_000;

function measure(feed: RevocationFeed, metrics: Registry): void {
  new Gauge({
    name: 'revocation_feed_unreadable_total',
    help: "Entries that arrived without the issuer's valid signature, or that exceeded the limits of their kind.",
    registers: [metrics],
    collect(): void {
      this.set(feed.state().unreadable);
    },
  });
  new Gauge({
    name: 'revocation_feed_current',
    help: '1 while this service holds every revocation that the issuer has published, else 0.',
    registers: [metrics],
    collect(): void {
      this.set(feed.state().state === 'current' ? 1 : 0);
    },
  });
  new Gauge({
    name: 'revocation_feed_entries',
    help: 'Revocations held in memory.',
    registers: [metrics],
    collect(): void {
      this.set(feed.state().entries);
    },
  });
}

/** The service's list of revocations, from the issuer's bucket; its state is a readiness note, and a failure while it refuses. */
@Global()
@Module({})
export class RevocationsModule implements BeforeApplicationShutdown {
  constructor(@Inject(REVOCATION_FEED) private readonly feed: RevocationFeed) {}

  static forRoot(service: string, issuer: string, { nats, ...settings }: RevocationFeedSettings): DynamicModule {
    return {
      module: RevocationsModule,
      providers: [
        {
          provide: REVOCATION_FEED,
          inject: [LOGGER, HEALTH, METRICS],
          useFactory: async (logger: Logger, health: HealthRegistry, metrics: Registry): Promise<RevocationFeed> => {
            const delays = new Histogram({
              name: 'revocation_feed_delay_seconds',
              help: 'Seconds from the time the issuer made a revocation until it was in force here.',
              buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
              registers: [metrics],
            });
            const feed = startRevocationFeed({
              connect: async (signal) => {
                const connection = await connectToNats(`${service}-revocations`, nats, logger, signal);
                if (connection === undefined) throw new Error('stopped');
                return connection;
              },
              ...settings,
              issuer,
              quietStartMs: QUIET_START_MS,
              logger,
              onPushed: (seconds) => {
                delays.observe(seconds);
              },
            });
            measure(feed, metrics);
            health.addNote('revocation_feed', () => feed.state());
            health.add('revocations', () => {
              const { refusing, lostSince, lastError, state } = feed.state();
              const what =
                state === 'loading'
                  ? 'no revocation list is loaded'
                  : `the revocation feed has been lost since ${lostSince ?? ''}`;
              if (refusing) throw new Error(lastError === null ? what : `${what}: ${lastError}`);
            });
            await Promise.race([feed.loaded, delay(START_WAIT_MS, undefined, { ref: false })]);
            return feed;
          },
        },
      ],
      exports: [REVOCATION_FEED],
    };
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.feed.close();
  }
}
