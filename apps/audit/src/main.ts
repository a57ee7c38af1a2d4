import { loadConfiguration, runService, startService } from '@countersign/service-host';
import { AuditModule } from './audit.module.js';
import { variables } from './configuration.js';

runService(() => {
  const configuration = loadConfiguration(variables);
  return startService({ name: 'audit', configuration, module: AuditModule.forRoot(configuration) });
});
