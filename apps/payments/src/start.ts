import { loadConfiguration, startService } from '@countersign/service-host';
import { PaymentsModule } from './payments.module.js';
import { variables } from './configuration.js';

const configuration = loadConfiguration(variables);
await startService({
  name: 'payments',
  configuration,
  module: PaymentsModule.forRoot(configuration),
});
