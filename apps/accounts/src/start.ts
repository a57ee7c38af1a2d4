import { loadConfiguration, startService } from '@countersign/service-host';
import { AccountsModule } from './accounts.module.js';
import { variables } from './configuration.js';

const configuration = loadConfiguration(variables);
await startService({
  name: 'accounts',
  configuration,
  module: AccountsModule.forRoot(configuration),
});
