// For compose: makes every secret once and gives each service a folder with its own only.
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { natsConfiguration, natsServices } from '@countersign/backing-services';
import { clientsFile, generateIdentities, webhookKeysFile } from './identities.js';

/** The user that the service images run as. */
const SERVICE_USER = 1000;

async function writeAll(root: string): Promise<void> {
  if (existsSync(join(root, 'sample', 'storefront.json'))) {
    console.log('identities: already there');
    return;
  }
  const identities = await generateIdentities();
  const files: Record<string, Record<string, string>> = {
    postgres: {
      'superuser-password': identities.superuserPassword,
      ...Object.fromEntries(natsServices.map((name) => [`${name}-password`, identities.databasePasswords[name]])),
    },
    nats: {
      'nats.conf': natsConfiguration({
        host: '0.0.0.0',
        port: 4222,
        monitorPort: 8222,
        storeDirectory: '/data',
        passwords: identities.natsPasswords,
      }),
    },
    issuer: {
      'clients.json': JSON.stringify(clientsFile(identities)),
      'key-encryption-keys': identities.keyEncryptionKey,
    },
    payments: {
      'client-key.json': JSON.stringify(identities.clients.payments),
      'webhook-keys.json': JSON.stringify(webhookKeysFile(identities)),
    },
    accounts: {},
    audit: { 'log-key.json': JSON.stringify(identities.logKey) },
    // Written last: it says that all the others are there.
    sample: {
      'auditor.json': JSON.stringify(identities.clients.auditor),
      'operator.json': JSON.stringify(identities.clients.operator),
      'privacy-officer.json': JSON.stringify(identities.clients['privacy-officer']),
      'storefront.json': JSON.stringify(identities.clients.storefront),
    },
  };
  for (const service of natsServices) {
    const password = identities.databasePasswords[service];
    files[service] = {
      ...files[service],
      'database-url': `postgres://${service}:${password}@postgres:5432/${service}`,
      'nats-password': identities.natsPasswords[service],
    };
  }
  for (const [folder, contents] of Object.entries(files)) {
    const directory = join(root, folder);
    mkdirSync(directory, { recursive: true });
    // PostgreSQL's and NATS's images choose their own users, and nobody else mounts their folders.
    const shared = folder === 'postgres' || folder === 'nats';
    for (const [name, content] of Object.entries(contents)) {
      writeFileSync(join(directory, name), content, { mode: shared ? 0o444 : 0o400 });
      if (!shared) chownSync(join(directory, name), SERVICE_USER, SERVICE_USER);
    }
    chmodSync(directory, shared ? 0o755 : 0o500);
    if (!shared) chownSync(directory, SERVICE_USER, SERVICE_USER);
    console.log(`identities: ${folder} (${String(readdirSync(directory).length)} files)`);
  }
}

const [root] = process.argv.slice(2);
if (root === undefined) {
  console.error('usage: write-identities FOLDER');
  process.exitCode = 2;
} else {
  await writeAll(root);
}
