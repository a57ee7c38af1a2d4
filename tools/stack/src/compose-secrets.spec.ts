import { composeSecrets, identitiesFrom, type SecretFiles, type SecretFolder } from './compose-secrets.js';
import { generateIdentities } from './identities.js';
import { serviceNames } from './services.js';

const nothing: SecretFiles = { read: () => undefined };

function filesOf(folders: Readonly<Record<string, SecretFolder>>): Map<string, string> {
  return new Map(
    Object.entries(folders).flatMap(([folder, { files }]) =>
      Object.entries(files).map(([name, content]) => [`${folder}/${name}`, content] as const),
    ),
  );
}
/** JSON as what it says, because the order of its members says nothing. */
function meaningOf(content: string | undefined): unknown {
  return content?.startsWith('{') === true ? JSON.parse(content) : content;
}
const meanings = (files: ReadonlyMap<string, string>): Map<string, unknown> =>
  new Map([...files].map(([path, content]) => [path, meaningOf(content)]));
const reading = (files: ReadonlyMap<string, string>): SecretFiles => ({ read: (path) => files.get(path) });

describe("compose's secrets", () => {
  it('are the same at the next start', async () => {
    const first = filesOf(composeSecrets(await generateIdentities(), nothing));
    const again = identitiesFrom(reading(first), await generateIdentities());
    expect(meanings(filesOf(composeSecrets(again, reading(first))))).toEqual(meanings(first));
  });

  it('give the sample no key but the storefront and the auditor have, and take back what an earlier version gave', async () => {
    const { sample } = composeSecrets(await generateIdentities(), nothing);
    expect(Object.keys(sample?.files ?? {}).sort()).toEqual(['auditor.json', 'storefront.json']);
    expect(sample?.removed).toEqual(['operator.json', 'privacy-officer.json']);
  });

  it('give the command line the clients that the issuer declares, so that applying them again changes nothing', async () => {
    const { issuer, cli } = composeSecrets(await generateIdentities(), nothing);
    expect(cli?.files['env/clients.json']).toBe(issuer?.files['clients.json']);
  });

  it('give no running service what migrates a database', async () => {
    const identities = await generateIdentities();
    const folders = composeSecrets(identities, nothing);
    for (const name of serviceNames) {
      const running = Object.values(folders[name]?.files ?? {}).join();
      expect(running).not.toContain(identities.migratorPasswords[name]);
      expect(running).not.toContain('_migrator');
      expect(folders[`${name}-migration`]?.files['migration-database-url']).toContain(
        identities.migratorPasswords[name],
      );
    }
  });

  it('are added to after an upgrade, and what was there stays: keys, passwords, what was rotated by hand', async () => {
    const identities = await generateIdentities();
    const before = filesOf(composeSecrets(identities, nothing));
    // As the previous version wrote them: no migrations, no command line, every client's key with the sample.
    for (const path of [...before.keys()]) if (/-migration\/|^cli\/|-migrator-password/.test(path)) before.delete(path);
    const { operator } = identities.clients;
    before.set('sample/operator.json', JSON.stringify(operator));
    before.set('issuer/clients.json', '{"clients":[]}');
    before.set('payments/webhook-keys.json', '{"keys":["new","old"]}');
    const after = filesOf(composeSecrets(identitiesFrom(reading(before), await generateIdentities()), reading(before)));
    for (const [path, content] of before)
      if (path !== 'issuer/clients.json' && path !== 'sample/operator.json')
        expect([path, meaningOf(after.get(path))]).toEqual([path, meaningOf(content)]);
    expect(JSON.parse(after.get('cli/env/operator-key.json') ?? '')).toEqual(operator);
    expect(after.get('issuer/clients.json')).toContain(operator.kid);
    expect(after.get('postgres/audit-migrator-password')).toBeDefined();
  });
});
