import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { natsPasswordsOf } from './guests.js';
import { clientsFile } from './client-policies.js';
import { generateIdentities, loadIdentities } from './identities.js';
import { serviceNames } from './services.js';

const declaredSchema = z.object({
  clients: z.array(z.object({ policy: z.object({ audiences: z.record(z.string(), z.array(z.string())) }) })),
});

describe('the identities of a local stack', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'identities-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  it('let some client ask for a token for each of the services', async () => {
    const { clients } = declaredSchema.parse(clientsFile(await generateIdentities()));
    const audiences = new Set(clients.flatMap(({ policy }) => Object.keys(policy.audiences)));
    expect([...audiences].sort()).toEqual([...serviceNames].sort());
  });

  it('are the same at every start', async () => {
    const first = await loadIdentities(directory);
    expect(await loadIdentities(directory)).toEqual(first);
  });

  it('stay as they are where the disk is full, and what is damaged is said to be', async () => {
    const first = await loadIdentities(directory, ['my-orders']);
    const file = join(directory, 'identities.json');
    // No later start writes what has not changed; and what has, beside it first: a folder of that name stands for a disk that is full.
    mkdirSync(`${file}.part`);
    expect(await loadIdentities(directory)).toEqual(first);
    await expect(loadIdentities(directory, ['other-orders'])).rejects.toThrow();
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(first);
    writeFileSync(file, '{"signingKey":');
    await expect(loadIdentities(directory)).rejects.toThrow(/is damaged.*--reset/);
  });

  it("make a service of the user's own a client that storefront may call, and know it from then on", async () => {
    const first = await loadIdentities(directory, ['my-orders']);
    const second = await loadIdentities(directory);
    expect(second.guests).toEqual(first.guests);
    const file = JSON.stringify(clientsFile(second));
    expect(file).toContain('"my-orders":["my-orders:read","my-orders:write"]');
    expect(file).toContain(`"client_id":"my-orders","jwks":{"keys":[{`);
    expect(file).not.toContain(first.guests['my-orders']?.key.d);
    expect(natsPasswordsOf(second)['my-orders']).toBe(first.guests['my-orders']?.natsPassword);
  });

  it('are added to, and otherwise kept, when a service or a client is new', async () => {
    const first = await loadIdentities(directory);
    const file = join(directory, 'identities.json');
    const unknownThen = ['auditor', 'audit'];
    const earlier = JSON.stringify(first, (key, value: unknown) => (unknownThen.includes(key) ? undefined : value));
    writeFileSync(file, earlier);
    const second = await loadIdentities(directory);
    expect(second).toMatchObject(z.record(z.string(), z.unknown()).parse(JSON.parse(earlier)));
    expect(second.natsPasswords.audit).not.toBe(first.natsPasswords.audit);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(second);
  });
});
