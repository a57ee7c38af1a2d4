// `node tools/stack/dist/client-assertion.js CLIENT`: a signed assertion of one of the local stack's clients, good once, for 60 seconds.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { signClientAssertion } from '@countersign/auth-core';
import { z } from 'zod';

const keySchema = z.looseObject({ kty: z.string(), kid: z.string(), alg: z.string(), d: z.string() });
const [client, directory = '.countersign', issuer = 'http://127.0.0.1:4000'] = process.argv.slice(2);

try {
  if (client === undefined) throw new Error('usage: client-assertion CLIENT [STACK_FOLDER] [ISSUER_URL]');
  const key = keySchema.parse(JSON.parse(readFileSync(resolve(directory, 'env', `${client}-key.json`), 'utf8')));
  console.log(await signClientAssertion({ clientId: client, audience: issuer, key, lifetimeSeconds: 60 }));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
