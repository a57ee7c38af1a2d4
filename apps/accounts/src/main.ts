import { loadConfiguration, runService, startService } from '@countersign/service-host';
import { AccountsModule } from './accounts.module.js';
import { variables } from './configuration.js';

runService(() => {
  const configuration = loadConfiguration(variables);
  return startService({ name: 'accounts', configuration, module: AccountsModule.forRoot(configuration) });
});
