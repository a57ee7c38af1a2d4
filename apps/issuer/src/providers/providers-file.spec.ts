import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError } from '@countersign/service-host';
import { readProvidersFile } from './providers-file.js';

const folder = mkdtempSync(join(tmpdir(), 'providers-'));
const good = {
  name: 'company',
  title: 'Company account',
  issuer: 'https://login.example.com',
  client_id: 'countersign',
  client_secret_file: 'secret',
};
const read = (providers: readonly object[], allowPlainHttp = false) => {
  const path = join(folder, 'providers.json');
  writeFileSync(path, JSON.stringify({ providers }));
  return readProvidersFile(path, allowPlainHttp);
};

describe('PROVIDERS_FILE', () => {
  beforeAll(() => {
    writeFileSync(join(folder, 'secret'), ' a secret\n');
    writeFileSync(join(folder, 'empty'), '\n');
  });

  it('declares providers whose secrets are in files in the same folder', async () => {
    const [provider] = await read([good]);
    expect(provider).toMatchObject({ name: 'company', scopes: ['openid', 'profile', 'email'], max_age: 43_200 });
    expect(provider?.secret()).toBe('a secret');
    writeFileSync(join(folder, 'secret'), 'rotated');
    expect(provider?.secret()).toBe('rotated');
  });

  it.each<[string, object[], RegExp]>([
    ['a name that is not a part of a path', [{ ...good, name: '../x' }], /name: must be at most 32 characters of a-z/],
    ['two of one name', [good, { ...good, issuer: 'https://b.example' }], /company is declared twice/],
    ['two of one issuer', [good, { ...good, name: 'b' }], /the issuer .* is declared twice/],
    ['a secret that is not there', [{ ...good, client_secret_file: 'nowhere' }], /company\.client_secret_file/],
    ['an empty secret', [{ ...good, client_secret_file: 'empty' }], /is empty/],
    [
      'a key that is not one',
      [
        {
          ...good,
          client_secret_file: undefined,
          client_key_file: 'secret',
          token_endpoint_auth_method: 'private_key_jwt',
        },
      ],
      /must hold one private key/,
    ],
    [
      'no secret for a method that needs one',
      [{ ...good, client_secret_file: undefined }],
      /client_secret_file must be set/,
    ],
    ['no scope openid', [{ ...good, scopes: ['profile'] }], /scopes must include openid/],
    ['plain http to another machine', [{ ...good, issuer: 'http://login.example.com' }], /ALLOW_PLAIN_HTTP/],
    ['a secret in the file itself', [{ ...good, client_secret: 'x' }], /client_secret/],
    ['a required acr without one to ask for', [{ ...good, require_acr: true }], /require_acr needs acr_values/],
    [
      'a sign-out there from which applications never get people back',
      [{ ...good, sign_out: 'always' }],
      /sign_out: always needs post_logout_redirect/,
    ],
  ])('is refused at startup with %s', async (_what, providers, message) => {
    await expect(read(providers)).rejects.toThrow(ConfigurationError);
    await expect(read(providers)).rejects.toThrow(message);
    await expect(read(providers)).rejects.toThrow(/PROVIDERS_FILE: /);
  });

  it('may name a provider with plain http on a private network, if that is allowed', async () => {
    expect(await read([{ ...good, issuer: 'http://people-provider:4010' }], true)).toHaveLength(1);
  });
});
