import { loadConfiguration, runService, startService } from '@countersign/service-host';
import { PaymentsModule } from './payments.module.js';
import { variables } from './configuration.js';

runService(() => {
  const configuration = loadConfiguration(variables);
  return startService({ name: 'payments', configuration, module: PaymentsModule.forRoot(configuration) });
});
