import { fileURLToPath } from 'node:url';
import { migrateService } from '@countersign/service-host';

const folder = fileURLToPath(new URL('../../migrations', import.meta.url));

/** Brings a spec's empty database to this service's schema. */
export function migrate(url: string): Promise<readonly string[]> {
  return migrateService({ migrationUrl: url, serviceUrl: url, folder });
}
