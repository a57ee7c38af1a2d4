import { fileURLToPath } from 'node:url';

/**
 * The folder of drizzle migrations that make the outbox's tables in a service's own database. They run after the service's own, with a separate
 * journal: adding a column takes one migration here.
 */
export const outboxMigrations = fileURLToPath(new URL('../migrations', import.meta.url));
