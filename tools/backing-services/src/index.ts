export { startChild, stopLeftBehind, type Child, type ChildOptions } from './child.js';
export { type EndsWithUs } from './ends-with-us.js';
export {
  startBackingServices,
  startDatabases,
  startOwnBackingServices,
  type BackingServices,
  type BackingServicesOptions,
  type Databases,
  type OwnBackingServices,
} from './for-tests.js';
export { newNatsPasswords, newPassword } from './password.js';
export { type Migrate } from './shared-postgres.js';
export {
  natsConfiguration,
  natsServices,
  perService,
  natsAccount,
  type NatsConfiguration,
  type NatsPasswords,
  type NatsService,
} from './nats-configuration.js';
export { openDatabase, openPool, withDatabase } from './database-connections.js';
export { commandOf } from './process-command.js';
export { ChromiumMissing, findChromium, type Chromium } from './chromium.js';
export { findNatsServer, NatsServerMissing } from './nats-server.js';
export { startedTogether } from './started-together.js';
export { startNats, type Nats } from './nats.js';
export { freePort, freePortsInARow, portIsFree } from './port.js';
export { startPostgres, type GuardedUrls, type Postgres } from './postgres.js';
export { serviceVariables, type ServiceGround } from './service-variables.js';
export { testFolder } from './test-folder.js';
export { removePostgresData, trustedFolder, UntrustedFolder } from './trusted-folder.js';
export { REVOCATIONS_GET, type NatsAccount } from '@countersign/nats-rights';
