import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { generateSigningKey, publicJwkOf } from '@countersign/auth-core';
import { parse } from 'yaml';
import { type z } from 'zod';
import { plansFileSchema } from './api-keys/plan.js';
import { outsideIssuersFileSchema } from './outside/outside-issuer.js';
import { providersFileSchema } from './providers/provider.js';
import { clientsFileSchema } from './registry/client.js';

const docs = resolve(import.meta.dirname, '../../../docs');

/** The YAML and JSON of a page that declares one of these, each with what a page leaves out for brevity. */
function examples(page: string, members: readonly string[]): readonly object[] {
  const blocks = [...readFileSync(resolve(docs, page), 'utf8').matchAll(/^```(?:yaml|json)\n([^]*?)^```/gm)];
  return blocks
    .map(([, text = '']): unknown => parse(text))
    .map((value) => (Array.isArray(value) ? { clients: value } : value))
    .map((value) =>
      typeof value === 'object' && value !== null && 'client_id' in value ? { clients: [value] } : value,
    )
    .filter((value) => typeof value === 'object' && value !== null)
    .filter((value) => members.some((member) => Object.hasOwn(value, member)));
}

const faultsOf = (schema: z.ZodType, value: object): readonly string[] =>
  (schema.safeParse(value).error?.issues ?? []).map(({ path, message }) => `${path.map(String).join('.')}: ${message}`);

describe('the files that the documentation shows', () => {
  it('declare clients as the issuer accepts them, except keys and texts for people', async () => {
    const jwk = publicJwkOf(await generateSigningKey());
    const withKeys = (value: object): object =>
      JSON.parse(
        JSON.stringify(value, (name, member: unknown) => (name === 'keys' && Array.isArray(member) ? [jwk] : member)),
      );
    const pages = ['issuer.md', 'oauth.md', 'console.md'];
    const faults = pages.flatMap((page) =>
      examples(page, ['clients']).flatMap((value) =>
        faultsOf(clientsFileSchema, withKeys(value)).map((fault) => `${page}: ${fault}`),
      ),
    );
    expect(faults.filter((fault) => !fault.includes('declare a title for this scope'))).toEqual([]);
    expect(pages.map((page) => examples(page, ['clients']).length)).toEqual([2, 2, 1]);
  });

  it('declare other issuers, providers and plans as the issuer accepts them', () => {
    const [issuers] = examples('issuer.md', ['issuers']);
    const [providers] = examples('people.md', ['providers']);
    const [plans] = examples('api-keys.md', ['plans']);
    expect(faultsOf(outsideIssuersFileSchema, issuers ?? {})).toEqual([]);
    expect(faultsOf(providersFileSchema, providers ?? {})).toEqual([]);
    expect(faultsOf(plansFileSchema, plans ?? {})).toEqual([]);
  });
});
