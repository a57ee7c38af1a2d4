import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { signJwt } from '../jws/sign.js';
import { generateSigningKey, publicJwkOf, type PrivateJwk } from '../keys/jwk.js';
import { KeyServer } from '../testing/key-server.js';
import { profileOfShape, tokenShapes, type TokenShape } from '../testing/token-shapes.js';
import { TokenError } from '../token-error.js';
import { createVerifier, type TokenVerifier } from '../token-verifier.js';

const page = resolve(import.meta.dirname, '../../../../docs/token-profiles.md');
const now = 1_800_000_000;
const certificate = Buffer.from('a certificate in DER');
type Profile = (typeof profileOfShape)[keyof typeof profileOfShape];
const byName: Readonly<Record<string, Profile | undefined>> = profileOfShape;
const thumbprint = createHash('sha256').update(certificate).digest('base64url');

/** The token to verify: the shape itself, with a real certificate. */
function claimsOf({ claims }: TokenShape): TokenShape['claims'] {
  return claims['cnf'] === undefined ? claims : { ...claims, cnf: { 'x5t#S256': thumbprint } };
}

/** Built from the refusal's own facts. */
function reasonOf({ code, detail, expected, actual }: TokenError): string {
  const what = detail === undefined ? '' : ` (\`${detail}\``;
  const came = actual === undefined ? '' : ` is ${actual}`;
  const wanted = expected === undefined ? '' : `, not ${expected}`;
  return `refused: \`${code}\`${what}${what === '' ? '' : `${came}${wanted})`}`;
}

describe('the table of docs/token-profiles.md', () => {
  let key: PrivateJwk;
  let keys: KeyServer;
  beforeAll(async () => {
    key = await generateSigningKey('RS256');
    keys = await KeyServer.start();
  });
  afterAll(() => keys.close());

  const said = (verify: () => unknown): string => {
    try {
      verify();
      return 'accepted';
    } catch (error) {
      if (error instanceof TokenError) return reasonOf(error);
      throw error;
    }
  };
  const madeFor = ({ issuer, audience }: TokenShape, profile?: Profile): Promise<TokenVerifier> =>
    createVerifier({
      ...{ issuer, audience, fetch: keys.fetch, now: () => now * 1_000 },
      ...(profile === undefined ? {} : { profile }),
    });

  it('shows the verifier’s result for each of the nineteen shapes, without a profile and with its own', async () => {
    const rows: string[] = [];
    for (const [name, shape] of tokenShapes(now)) {
      keys.publish(shape.issuer, [publicJwkOf(key)]);
      const token = signJwt({ kid: key.kid, ...shape.header, alg: 'RS256' }, claimsOf(shape), key);
      const profile = byName[name];
      const [plain, own] = [await madeFor(shape), await madeFor(shape, profile)];
      const before = said(() => plain.verify(token));
      let after = said(() => own.verify(token));
      if (shape.claims['cnf'] !== undefined)
        after = await own.verifyWithCertificate(token, certificate).then(() => 'accepted with that certificate');
      rows.push(`| ${name} | ${before} | ${after} | \`${String(profile)}\` |`);
      plain.close();
      own.close();
    }
    expect(rows).toHaveLength(19);
    expect(rows.filter((row) => row.split('|')[2]?.includes('refused'))).toHaveLength(17);
    expect(rows.filter((row) => row.split('|')[3]?.includes('refused'))).toEqual([]);
    const table = ['| token | without a profile | with its profile | profile |', '| --- | --- | --- | --- |', ...rows];
    const text = readFileSync(page, 'utf8');
    const place = /(<!-- shapes -->\n)([\s\S]*?)(<!-- \/shapes -->)/;
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(page, text.replace(place, `$1\n${table.join('\n')}\n\n$3`));
    const [, , written = ''] = place.exec(readFileSync(page, 'utf8')) ?? [];
    const meant = (one: string): string => one.trim().replace(/ +/g, ' ').replace(/-+/g, '-');
    expect(written.trim().split('\n').map(meant)).toEqual(table.map(meant));
  });
});
