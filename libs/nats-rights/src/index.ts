export { BUCKET_CHANGES, DIRECT_GET, natsAccountOf, REVOCATIONS_GET } from './nats-account.js';
export { type NatsAccount, type NatsExport, type NatsImport, type NatsRights } from './nats-account.js';
export { accountLines, exportLine, exportsFor } from './server-configuration.js';
export { rightsTable, type Right } from './rights-table.js';
