import { loadConfiguration, startService } from '@countersign/service-host';
import { PaymentsModule } from './payments.module.js';
import { contradictionsOf, variables } from './configuration.js';

const configuration = loadConfiguration(variables, process.env, contradictionsOf);
await startService({
  name: 'payments',
  configuration,
  module: PaymentsModule.forRoot(configuration),
});
