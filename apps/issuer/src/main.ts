import { loadConfiguration, runService, startService } from '@countersign/service-host';
import { variables } from './configuration.js';
import { IssuerModule } from './issuer.module.js';

runService(() => {
  const configuration = loadConfiguration(variables);
  return startService({ name: 'issuer', configuration, module: IssuerModule.forRoot(configuration) });
});
