import { generateKeyPairSync } from 'node:crypto';
import { type BackingServices } from '@countersign/backing-services';
import { createService, loadConfiguration } from '@countersign/service-host';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AuditModule } from '../audit.module.js';
import { variables } from '../configuration.js';

/** What the service runs on. */
export interface Ground {
  /** The issuer's URL. */
  readonly issuer: string;
  readonly databaseUrl: string;
  readonly backing: Pick<BackingServices, 'nats' | 'passwords'>;
}

/** Variables with which audit starts, under a new log key. */
export function auditVariables({ issuer, databaseUrl, backing }: Ground): Record<string, string> {
  return {
    PORT: '0',
    LOG_LEVEL: 'silent',
    ISSUER_URL: issuer,
    DATABASE_URL: databaseUrl,
    REVOCATION_AT_START: 'accept',
    NATS_URL: backing.nats.url,
    NATS_USER: 'audit',
    NATS_PASSWORD: backing.passwords.audit,
    LOG_KEY: JSON.stringify(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })),
    LOG_ORIGIN: 'audit.test/log',
  };
}

/** Starts the service, without its console, on a free port. */
export async function startAudit(environment: Readonly<Record<string, string>>): Promise<NestFastifyApplication> {
  const configuration = loadConfiguration(variables, environment);
  const app = await createService({ name: 'audit', configuration, module: AuditModule.forRoot(configuration) });
  await app.listen(0, '127.0.0.1');
  return app;
}
