import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readClientsFile } from './clients-file.js';

describe('the declared file of clients', () => {
  const folder = mkdtempSync(join(tmpdir(), 'clients-file-'));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const read = async (name: string, content: string | Buffer) => {
    writeFileSync(join(folder, name), content);
    return (await readClientsFile(join(folder, name))).clients;
  };
  const client = (more: string) => `{"clients":[{"client_id":"shop","jwks_uri":"https://shop.test/jwks.json"${more}}]}`;

  it.each([
    ['a member twice', 'a.json', client(',"policy":{},"policy":{}'), /"policy" appears more than once/],
    ['a key twice in YAML', 'b.yaml', 'clients: []\nclients: []\n', /unique/],
    ['what is not UTF-8', 'c.json', Buffer.from(client(',"client_name":"M\u00fcller"'), 'latin1'), /encoded in UTF-8/],
    ['U+0000', 'd.json', client(',"client_name":"a\\u0000"'), /clients\.0\.client_name|control characters/],
    [
      'an escape sequence in YAML',
      'e.yaml',
      `clients: [{client_id: shop, jwks_uri: 'https://shop.test', client_name: "\\e[31m"}]`,
      /client_name must not contain control characters/,
    ],
  ])('with %s is refused, and the variable is named', async (_what, name, content, why) => {
    const refused = expect(read(name, content)).rejects;
    await refused.toThrow(/CLIENTS_FILE/);
    await expect(read(name, content)).rejects.toThrow(why);
  });

  it('that lets an application request a scope without texts is refused, and names it', async () => {
    const planner = {
      client_id: 'planner',
      client_name: 'Planner',
      publisher: 'Planner Ltd',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
      redirect_uris: ['https://planner.example/cb'],
      policy: { people: { issuer: ['openid'], payments: ['payments:create', 'payments:read'] } },
    };
    const words = { title: 'Payments', scopes: { 'payments:create': { title: 'Pay' } } };
    const file = (client: object, audiences: object) => JSON.stringify({ clients: [client], audiences });
    await expect(read('words.json', file(planner, { payments: words }))).rejects.toThrow(
      /planner may ask people for payments payments:read: declare a title/,
    );
    expect(await read('trusted.json', file({ ...planner, trusted: true }, {}))).toHaveLength(1);
    const scopes = { ...words.scopes, 'payments:read': { title: 'See' } };
    expect(await read('all.json', file(planner, { payments: { ...words, scopes } }))).toHaveLength(1);
  });

  it('is read as JSON and as YAML alike', async () => {
    const yaml = 'clients: [{client_id: shop, jwks_uri: "https://shop.test/jwks.json", client_name: Müller 😀}]';
    expect(await read('good.yaml', yaml)).toEqual(await read('good.json', client(',"client_name":"Müller 😀"')));
  });
});
