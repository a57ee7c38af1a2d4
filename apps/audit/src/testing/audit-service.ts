import { generateKeyPairSync } from 'node:crypto';
import { serviceVariables, type ServiceGround } from '@countersign/backing-services';
import { createService, loadConfiguration } from '@countersign/service-host';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AuditModule } from '../audit.module.js';
import { variables } from '../configuration.js';

/** Variables with which audit starts, under a new log key. */
export function auditVariables(ground: ServiceGround): Record<string, string> {
  return {
    ...serviceVariables('audit', { ...ground, logLevel: 'silent' }),
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
