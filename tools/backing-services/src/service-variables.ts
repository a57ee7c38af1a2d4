import { type BackingServices } from './for-tests.js';
import { type NatsService } from './nats-configuration.js';

/** The dependencies of a service started by a test or a benchmark. */
export interface ServiceGround {
  /** The issuer's URL. */
  readonly issuer: string;
  readonly databaseUrl: string;
  readonly backing: Pick<BackingServices, 'passwords'> & { readonly nats: { readonly url: string } };
  /** 0, any free port, by default. */
  readonly port?: number;
  /** `error` by default. */
  readonly logLevel?: string;
}

/** The variables with which any service starts on these: its own database and NATS account, and tokens accepted before the revocations are there. */
export function serviceVariables(
  name: NatsService,
  { issuer, databaseUrl, backing, port = 0, logLevel = 'error' }: ServiceGround,
): Readonly<Record<string, string>> {
  return {
    PORT: String(port),
    LOG_LEVEL: logLevel,
    ISSUER_URL: issuer,
    DATABASE_URL: databaseUrl,
    REVOCATION_AT_START: 'accept',
    NATS_URL: backing.nats.url,
    NATS_USER: name,
    NATS_PASSWORD: backing.passwords[name],
  };
}
