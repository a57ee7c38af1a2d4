import {
  clientConfigOf,
  ConfigurationError,
  databaseOf,
  loadConfiguration,
  startService,
} from '@countersign/service-host';
import { declaredDifference } from './clients/dry-run.js';
import { variables } from './configuration.js';
import { IssuerModule } from './issuer.module.js';

const configuration = loadConfiguration(variables);
if (!process.argv.includes('--dry-run')) {
  await startService({
    name: 'issuer',
    configuration,
    module: IssuerModule.forRoot(configuration),
  });
} else {
  if (configuration.CLIENTS_FILE === undefined) throw new ConfigurationError(['CLIENTS_FILE is not set']);
  const difference = await declaredDifference(
    clientConfigOf(databaseOf(configuration)),
    configuration.CLIENTS_FILE,
    new Date(),
  );
  process.stdout.write(`${difference}\n`);
}
