import { fileURLToPath } from 'node:url';

/**
 * The folder of drizzle migrations that make the outbox's tables in a service's own database. They run after the service's own, in a journal of
 * theirs: a column more is one migration here.
 */
export const outboxMigrations = fileURLToPath(new URL('../migrations', import.meta.url));
