import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateSigningKey, publicJwkOf, type PrivateJwk } from '@countersign/auth-core';
import { natsServices, newPassword, type NatsPasswords, type NatsService } from '@countersign/backing-services';
import { z } from 'zod';

const jwkSchema = z.looseObject({ kty: z.string(), kid: z.string(), alg: z.string(), d: z.string() });
const passwordsSchema = z.strictObject({
  issuer: z.string(),
  payments: z.string(),
  accounts: z.string(),
  audit: z.string(),
});
const identitiesSchema = z.strictObject({
  signingKey: jwkSchema,
  clients: z.strictObject({ storefront: jwkSchema, payments: jwkSchema, auditor: jwkSchema }),
  databasePasswords: passwordsSchema,
  superuserPassword: z.string(),
  natsPasswords: passwordsSchema,
});

/** Every secret of a stack. */
export interface Identities {
  readonly signingKey: PrivateJwk;
  readonly clients: { readonly storefront: PrivateJwk; readonly payments: PrivateJwk; readonly auditor: PrivateJwk };
  readonly databasePasswords: NatsPasswords;
  readonly superuserPassword: string;
  readonly natsPasswords: NatsPasswords;
}

function passwords(): NatsPasswords {
  const made: Record<NatsService, string> = { issuer: '', payments: '', accounts: '', audit: '' };
  for (const service of natsServices) made[service] = newPassword();
  return made;
}

export async function generateIdentities(): Promise<Identities> {
  const [signingKey, storefront, payments, auditor] = await Promise.all([
    generateSigningKey(),
    generateSigningKey(),
    generateSigningKey(),
    generateSigningKey(),
  ]);
  return {
    signingKey,
    clients: { storefront, payments, auditor },
    databasePasswords: passwords(),
    superuserPassword: newPassword(),
    natsPasswords: passwords(),
  };
}

/** Writes a secret that its owner alone may read. */
export function writeSecret(path: string, content: string): void {
  writeFileSync(path, content, { mode: 0o600 });
}

/** The stack's identities: read, or made at the first start. @throws when the file there is not what this version writes */
export async function loadIdentities(directory: string): Promise<Identities> {
  const path = join(directory, 'identities.json');
  if (existsSync(path)) {
    const parsed = identitiesSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    if (parsed.success) return parsed.data;
    throw new Error(`${path} is not readable by this version. Begin anew: npm start -- --reset`);
  }
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const identities = await generateIdentities();
  writeSecret(path, JSON.stringify(identities));
  return identities;
}

/** The clients of the sample and what each may ask for: the issuer's CLIENTS_FILE. */
export function clientsFile({ clients }: Identities): object {
  const edge = (subject_scope: string, scope: string) => ({
    subject_audience: 'payments',
    subject_scope,
    audience: 'accounts',
    scopes: [scope],
  });
  const entry = (client_id: keyof Identities['clients'], policy: object) => ({
    client_id,
    jwks: { keys: [publicJwkOf(clients[client_id])] },
    policy,
  });
  return {
    clients: [
      entry('storefront', {
        audiences: {
          payments: ['payments:create', 'payments:read'],
          accounts: ['accounts:write', 'accounts:read', 'transfers:create', 'transfers:read'],
        },
      }),
      entry('payments', {
        // Its own, so that it can finish after a crash what a user's token began; it owns no account and can debit none.
        audiences: { accounts: ['transfers:create', 'transfers:read'] },
        exchange: [edge('payments:create', 'transfers:create'), edge('payments:read', 'transfers:read')],
      }),
      entry('auditor', { audiences: { audit: ['audit:read'] } }),
    ],
  };
}

/** The issuer's SIGNING_KEYS_FILE. */
export function signingKeysFile({ signingKey }: Identities): object {
  return { keys: [{ ...signingKey, state: 'active' }] };
}
