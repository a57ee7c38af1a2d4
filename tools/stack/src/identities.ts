import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateSigningKey, type PrivateJwk } from '@countersign/auth-core';
import { natsServices, newNatsPasswords, newPassword, type NatsPasswords } from '@countersign/backing-services';
import { z } from 'zod';
import { StackError } from './stack-error.js';

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
const guestSchema = z.strictObject({ key: jwkSchema, databasePassword: z.string(), natsPassword: z.string() });
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
    'corner-shop': jwkSchema,
    console: jwkSchema,
  }),
  consoleSessionKey: z.string(),
  providerSecret: z.string(),
  databasePasswords: passwordsSchema,
  migratorPasswords: passwordsSchema,
  superuserPassword: z.string(),
  natsPasswords: passwordsSchema,
  guests: z.record(z.string(), guestSchema),
});

/** A service of the user's own: generated into the workspace, or run wherever they start it. */
export interface Guest {
  /** As a client of the issuer. */
  readonly key: PrivateJwk;
  readonly databasePassword: string;
  readonly natsPassword: string;
}

/** Every secret of a stack. */
export interface Identities {
  /** The issuer's first signing key; it makes its own from then on. */
  readonly signingKey: PrivateJwk;
  /** Under which the issuer's keys rest in its database: `id:key`. */
  readonly keyEncryptionKey: string;
  /** Payments signs its notices to merchants with it. */
  readonly webhookKey: PrivateJwk;
  /** Audit's own, with which it signs the log's checkpoints (JWK). */
  readonly logKey: Readonly<Record<'kty' | 'crv' | 'x' | 'd', string>>;
  readonly clients: Readonly<
    Record<
      'storefront' | 'payments' | 'auditor' | 'operator' | 'privacy-officer' | 'corner-shop' | 'console',
      PrivateJwk
    >
  >;
  /** From which audit makes the keys under which the tokens of the console's sessions rest. */
  readonly consoleSessionKey: string;
  /** With which the issuer authenticates to the development OpenID provider. */
  readonly providerSecret: string;
  readonly databasePasswords: NatsPasswords;
  /** Of the logins that migrate; no running service has them. */
  readonly migratorPasswords: NatsPasswords;
  readonly superuserPassword: string;
  readonly natsPasswords: NatsPasswords;
  /** By name: services generated into the workspace, and what `npm start -- --service NAME` asked for, now or at an earlier start. */
  readonly guests: Readonly<Record<string, Guest>>;
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
  const [signingKey, webhookKey, storefront, payments, auditor, operator, privacyOfficer, cornerShop, consoleKey] =
    await Promise.all([
      generateSigningKey(),
      generateSigningKey(),
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
    clients: {
      storefront,
      payments,
      auditor,
      operator,
      'privacy-officer': privacyOfficer,
      'corner-shop': cornerShop,
      console: consoleKey,
    },
    consoleSessionKey: randomBytes(32).toString('base64url'),
    providerSecret: newPassword(),
    databasePasswords: newNatsPasswords(),
    migratorPasswords: newNatsPasswords(),
    superuserPassword: newPassword(),
    natsPasswords: newNatsPasswords(),
    guests: await newGuests(natsServices.filter((name) => !withOwnPolicy.has(name))),
  };
}

/** What Countersign itself is made of: their policies are in client-policies.ts. A service that was generated into the workspace is a guest. */
const withOwnPolicy: ReadonlySet<string> = new Set(['issuer', 'payments', 'accounts', 'audit']);

async function newGuests(names: readonly string[]): Promise<Readonly<Record<string, Guest>>> {
  const made = names.map(async (name): Promise<readonly [string, Guest]> => [
    name,
    { key: await generateSigningKey(), databasePassword: newPassword(), natsPassword: newPassword() },
  ]);
  return Object.fromEntries(await Promise.all(made));
}

/** Writes a secret that only its owner may read; whole or not at all, so that a full disk leaves what was there. */
export function writeSecret(path: string, content: string): void {
  const draft = `${path}.part`;
  try {
    writeFileSync(draft, content, { mode: 0o600 });
    renameSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
}

const earlierSchema = z.looseObject({
  clients: z.looseObject({}),
  databasePasswords: z.looseObject({}),
  migratorPasswords: z.looseObject({}).optional(),
  natsPasswords: z.looseObject({}),
  guests: z.record(z.string(), guestSchema).optional(),
});

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * The stack's identities: read, or made at the first start; what an earlier version did not know yet is added.
 * @param services names of the user's own services, which are known from then on
 * @throws {StackError} when the file is unusable
 */
export async function loadIdentities(directory: string, services: readonly string[] = []): Promise<Identities> {
  const path = join(directory, 'identities.json');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const fresh = await generateIdentities();
  const kept = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  const earlier = kept === undefined ? fresh : earlierSchema.safeParse(jsonOf(kept)).data;
  const parsed = identitiesSchema.safeParse({
    ...fresh,
    ...earlier,
    clients: { ...fresh.clients, ...earlier?.clients },
    databasePasswords: { ...fresh.databasePasswords, ...earlier?.databasePasswords },
    migratorPasswords: { ...fresh.migratorPasswords, ...earlier?.migratorPasswords },
    natsPasswords: { ...fresh.natsPasswords, ...earlier?.natsPasswords },
    guests: { ...fresh.guests, ...(await newGuests(services)), ...earlier?.guests },
  });
  if (!parsed.success || earlier === undefined) {
    throw new StackError(
      `${path} is damaged, or of another version. Put back a copy of it, or start with empty data and new keys: npm start -- --reset`,
    );
  }
  const text = JSON.stringify(parsed.data);
  if (text !== kept) writeSecret(path, text);
  return parsed.data;
}
