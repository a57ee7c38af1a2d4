import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateSigningKey, publicJwkOf, type PrivateJwk } from '@countersign/auth-core';
import { natsServices, newNatsPasswords, newPassword, type NatsPasswords } from '@countersign/backing-services';
import { z } from 'zod';

/** A private JWK. */
export const jwkSchema = z.looseObject({ kty: z.string(), kid: z.string(), alg: z.string(), d: z.string() });
/** An Ed25519 private key as JWK (RFC 8037). */
export const logKeySchema = z.looseObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string(),
  d: z.string(),
});
const passwordsSchema = z.record(z.enum(natsServices), z.string());
const identitiesSchema = z.strictObject({
  signingKey: jwkSchema,
  keyEncryptionKey: z.string(),
  webhookKey: jwkSchema,
  logKey: logKeySchema,
  clients: z.strictObject({
    storefront: jwkSchema,
    payments: jwkSchema,
    auditor: jwkSchema,
    operator: jwkSchema,
    'privacy-officer': jwkSchema,
  }),
  databasePasswords: passwordsSchema,
  migratorPasswords: passwordsSchema,
  superuserPassword: z.string(),
  natsPasswords: passwordsSchema,
});

/** Every secret of a stack. */
export interface Identities {
  /** The issuer's first signing key; it makes its own from then on. */
  readonly signingKey: PrivateJwk;
  /** Under which the issuer's keys rest in its database: `id:key`. */
  readonly keyEncryptionKey: string;
  /** With which payments signs what it tells merchants. */
  readonly webhookKey: PrivateJwk;
  /** Audit's own, with which it signs the log's checkpoints (JWK). */
  readonly logKey: Readonly<Record<'kty' | 'crv' | 'x' | 'd', string>>;
  readonly clients: Readonly<
    Record<'storefront' | 'payments' | 'auditor' | 'operator' | 'privacy-officer', PrivateJwk>
  >;
  readonly databasePasswords: NatsPasswords;
  /** Of the logins that migrate; no running service has them. */
  readonly migratorPasswords: NatsPasswords;
  readonly superuserPassword: string;
  readonly natsPasswords: NatsPasswords;
}

/** An Ed25519 private key as JWK (RFC 8037). */
function generateLogKey(): Identities['logKey'] {
  const { x = '', d = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return { kty: 'OKP', crv: 'Ed25519', x, d };
}

/** The name of a stack's log: its checkpoints' first line. */
export const logOrigin = 'countersign.local/log';

/** What a stack's trail masks: the caller's address. */
export const maskedFields = 'request.peer';

export async function generateIdentities(): Promise<Identities> {
  const [signingKey, webhookKey, storefront, payments, auditor, operator, privacyOfficer] = await Promise.all([
    generateSigningKey(),
    generateSigningKey(),
    generateSigningKey(),
    generateSigningKey(),
    generateSigningKey(),
    generateSigningKey(),
    generateSigningKey(),
  ]);
  return {
    signingKey,
    webhookKey,
    logKey: generateLogKey(),
    keyEncryptionKey: `local-1:${randomBytes(32).toString('base64url')}`,
    clients: { storefront, payments, auditor, operator, 'privacy-officer': privacyOfficer },
    databasePasswords: newNatsPasswords(),
    migratorPasswords: newNatsPasswords(),
    superuserPassword: newPassword(),
    natsPasswords: newNatsPasswords(),
  };
}

/** Writes a secret that only its owner may read. */
export function writeSecret(path: string, content: string): void {
  writeFileSync(path, content, { mode: 0o600 });
}

const earlierSchema = z.looseObject({
  clients: z.looseObject({}),
  databasePasswords: z.looseObject({}),
  migratorPasswords: z.looseObject({}).optional(),
  natsPasswords: z.looseObject({}),
});

/** The stack's identities: read, or made at the first start; what an earlier version did not know yet is added. @throws when the file is unusable */
export async function loadIdentities(directory: string): Promise<Identities> {
  const path = join(directory, 'identities.json');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const fresh = await generateIdentities();
  const earlier = existsSync(path) ? earlierSchema.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data : fresh;
  const parsed = identitiesSchema.safeParse({
    ...fresh,
    ...earlier,
    clients: { ...fresh.clients, ...earlier?.clients },
    databasePasswords: { ...fresh.databasePasswords, ...earlier?.databasePasswords },
    migratorPasswords: { ...fresh.migratorPasswords, ...earlier?.migratorPasswords },
    natsPasswords: { ...fresh.natsPasswords, ...earlier?.natsPasswords },
  });
  if (!parsed.success || earlier === undefined) {
    throw new Error(`${path} cannot be read by this version. Start again with: npm start -- --reset`);
  }
  writeSecret(path, JSON.stringify(parsed.data));
  return parsed.data;
}

/** The clients of the sample and what each may ask for: the issuer's CLIENTS_FILE. */
export function clientsFile({ clients }: Identities): object {
  const edge = (subject_scope: string, ...scopes: string[]) => ({
    subject_audience: 'payments',
    subject_scope,
    audience: 'accounts',
    scopes,
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
          payments: ['payments:create', 'payments:read', 'payments:refund', 'webhooks:read', 'webhooks:write'],
          // It opens the accounts that money comes from into its books, which may go below zero.
          accounts: ['accounts:write', 'accounts:overdraft', 'accounts:read', 'transfers:create', 'transfers:read'],
          audit: ['audit:read:own'],
        },
      }),
      entry('payments', {
        // Its own, so that it can finish after a crash what a user's token began; it owns no account, and takes from one only to pay back.
        audiences: { accounts: ['transfers:create', 'transfers:correct', 'transfers:read'] },
        exchange: [
          edge('payments:create', 'transfers:create'),
          edge('payments:create:client', 'transfers:create', 'transfers:create:client'),
          // The payee's own right; whose account was paid is asked first.
          edge('payments:refund', 'transfers:create', 'accounts:read'),
          edge('payments:refund:client', 'transfers:create', 'transfers:correct', 'accounts:read'),
          edge('payments:read', 'transfers:read'),
        ],
      }),
      entry('auditor', {
        audiences: { audit: ['audit:read'], accounts: ['accounts:audit', 'accounts:read', 'transfers:read'] },
      }),
      entry('operator', {
        audiences: {
          issuer: ['issuer:admin'],
          accounts: ['accounts:admin', 'accounts:read'],
          payments: ['payments:reconcile'],
          audit: ['audit:admin'],
        },
      }),
      // Sees no event by itself: who reads the trail and who sees personal data are two.
      entry('privacy-officer', { audiences: { audit: ['audit:reveal', 'audit:erase'] } }),
    ],
  };
}

/** Payments' WEBHOOK_KEYS_FILE. */
export function webhookKeysFile({ webhookKey }: Identities): object {
  return { keys: [webhookKey] };
}
