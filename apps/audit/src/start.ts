import { loadConfiguration, startService } from '@countersign/service-host';
import { AuditModule } from './audit.module.js';
import { contradictionsOf, variables } from './configuration.js';
import { consoleOf } from './console/console-options.js';
import { consolePages } from './console/page.js';

const configuration = loadConfiguration(variables, process.env, contradictionsOf);
const pages = consoleOf(configuration);
await startService({
  name: 'audit',
  configuration,
  module: AuditModule.forRoot(configuration),
  ...(pages === undefined ? {} : { configure: consolePages(pages) }),
});
