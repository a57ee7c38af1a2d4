import { loadConfiguration, startService } from '@countersign/service-host';
import { AuditModule } from './audit.module.js';
import { variables } from './configuration.js';

const configuration = loadConfiguration(variables);
await startService({
  name: 'audit',
  configuration,
  module: AuditModule.forRoot(configuration),
});
