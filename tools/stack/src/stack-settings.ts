import { join } from 'node:path';
import { perService, type Nats } from '@countersign/backing-services';
import { clientsFile, plansFile, providersFile, webhookKeysFile } from './client-policies.js';
import { demoUrls } from './demo.js';
import { logOrigin, maskedFields, writeSecret, type Identities } from './identities.js';
import {
  databaseUrlFile,
  natsPasswordFile,
  portsFrom,
  serviceNames,
  type ServiceName,
  type ServiceSettings,
} from './services.js';
import { type StackOptions } from './stack-options.js';

/** What a service keeps of the issuer's, so that it starts without it. */
function keptFiles(path: string): Readonly<Record<string, string>> {
  return {
    KEYS_FILE: `${path}-issuer-keys.json`,
    REVOCATION_KEYS_FILE: `${path}-revocation-keys.json`,
    REVOCATION_LIST_FILE: `${path}-revocations.json`,
  };
}

/** Writes the secrets of a stack's services. @returns how each of them is started */
export function settingsOf(
  options: StackOptions,
  identities: Identities,
  databaseUrls: Readonly<Record<ServiceName, string>>,
  nats: Nats,
): Readonly<Record<ServiceName, ServiceSettings>> {
  const ports = portsFrom(options.portBase);
  const url = (name: ServiceName): string => `http://127.0.0.1:${String(ports[name])}`;
  const file = (name: string): string => join(options.directory, 'env', name);
  writeSecret(file('webhook-keys.json'), JSON.stringify(webhookKeysFile(identities)));
  writeSecret(file('log-key.json'), JSON.stringify(identities.logKey));
  const demo = demoUrls(options.portBase);
  writeSecret(file('plans.json'), JSON.stringify(plansFile(), null, 2));
  writeSecret(
    file('clients.json'),
    JSON.stringify(
      clientsFile(identities, options.demo === true ? { shop: demo.shop, console: url('audit') } : undefined),
      null,
      2,
    ),
  );
  if (options.demo === true) {
    writeSecret(file('people-provider-secret'), identities.providerSecret);
    const providers = providersFile(demo.provider, file('people-provider-secret'));
    writeSecret(file('providers.json'), JSON.stringify(providers, null, 2));
  }
  writeSecret(file('signing-key.json'), JSON.stringify(identities.signingKey));
  writeSecret(file('key-encryption-keys'), identities.keyEncryptionKey);
  for (const [name, key] of [
    ...Object.entries(identities.clients),
    ...Object.entries(identities.guests).map(([name, { key }]) => [name, key] as const),
  ])
    writeSecret(file(`${name}-key.json`), JSON.stringify(key));
  for (const name of serviceNames) {
    writeSecret(file(databaseUrlFile(name)), databaseUrls[name]);
    writeSecret(file(natsPasswordFile(name)), identities.natsPasswords[name]);
  }
  writeSecret(file('console-session-key'), identities.consoleSessionKey);
  const consoleVariables = {
    CONSOLE_CLIENT_ID: 'console',
    CONSOLE_URL: url('audit'),
    CONSOLE_CLIENT_KEY_FILE: file('console-key.json'),
    CONSOLE_SESSION_KEY_FILE: file('console-session-key'),
  };
  const own: Readonly<Partial<Record<ServiceName, Readonly<Record<string, string>>>>> = {
    issuer: {
      CLIENTS_FILE: file('clients.json'),
      PLANS_FILE: file('plans.json'),
      API_KEY_ENVIRONMENT: 'local',
      SIGNING_KEY_IMPORT: file('signing-key.json'),
      KEY_ENCRYPTION_KEYS_FILE: file('key-encryption-keys'),
      // The demo application and the console are notified of ended sessions at addresses of this machine.
      ...(options.demo === true ? { PROVIDERS_FILE: file('providers.json'), BACKCHANNEL_LOGOUT_TARGETS: 'any' } : {}),
      CLIENT_DOCUMENT_TARGETS: 'any',
    },
    payments: {
      ACCOUNTS_URL: url('accounts'),
      CLIENT_ID: 'payments',
      CLIENT_KEY_FILE: file('payments-key.json'),
      WEBHOOK_KEYS_FILE: file('webhook-keys.json'),
      WEBHOOK_TARGETS: 'any',
    },
    accounts: {},
    audit: {
      LOG_KEY_FILE: file('log-key.json'),
      LOG_ORIGIN: logOrigin,
      MASKED_FIELDS: maskedFields,
      ...(options.demo === true ? consoleVariables : {}),
    },
  };
  const settings = (name: ServiceName): ServiceSettings => ({
    name,
    url: url(name),
    environment: {
      PORT: String(ports[name]),
      HOST: '127.0.0.1',
      LOG_FORMAT: 'json',
      ISSUER_URL: url('issuer'),
      RESOURCE_URL: url(name),
      ...(name === 'issuer' ? {} : keptFiles(join(options.directory, 'kept', name))),
      DATABASE_URL_FILE: file(databaseUrlFile(name)),
      NATS_URL: nats.url,
      NATS_USER: name,
      NATS_PASSWORD_FILE: file(natsPasswordFile(name)),
      ...(name in identities.guests ? { CLIENT_ID: name, CLIENT_KEY_FILE: file(`${name}-key.json`) } : {}),
      ...own[name],
      ...options.environment?.[name],
    },
  });
  return perService(settings);
}
