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

/** What Countersign itself is made of: their policies are written below. A service that was generated into the workspace is a guest. */
const withOwnPolicy: ReadonlySet<string> = new Set(['issuer', 'payments', 'accounts', 'audit']);

async function newGuests(names: readonly string[]): Promise<Readonly<Record<string, Guest>>> {
  const made = names.map(async (name): Promise<readonly [string, Guest]> => [
    name,
    { key: await generateSigningKey(), databasePassword: newPassword(), natsPassword: newPassword() },
  ]);
  return Object.fromEntries(await Promise.all(made));
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
  guests: z.record(z.string(), guestSchema).optional(),
});

/**
 * The stack's identities: read, or made at the first start; what an earlier version did not know yet is added.
 * @param services names of the user's own services, which are known from then on
 * @throws when the file is unusable
 */
export async function loadIdentities(directory: string, services: readonly string[] = []): Promise<Identities> {
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
    guests: { ...fresh.guests, ...(await newGuests(services)), ...earlier?.guests },
  });
  if (!parsed.success || earlier === undefined) {
    throw new Error(`${path} cannot be read by this version. Start again with: npm start -- --reset`);
  }
  writeSecret(path, JSON.stringify(parsed.data));
  return parsed.data;
}

/** The demo application: what it may do for itself, and what it may ask people for. */
const cornerShopPolicy = {
  audiences: {
    payments: ['payments:create'],
    // Its account for welcome gifts stands for the outside world and may go below zero.
    accounts: ['accounts:read', 'accounts:write', 'accounts:overdraft'],
  },
  people: {
    issuer: ['openid', 'profile'],
    payments: ['payments:create', 'payments:read'],
    accounts: ['accounts:read', 'accounts:write'],
  },
};

const cornerShop = (url: string): object => ({
  client_name: 'Corner Shop',
  publisher: 'Corner Shop Ltd.',
  kind: 'application',
  grant_types: ['client_credentials', 'authorization_code', 'refresh_token'],
  redirect_uris: [`${url}/callback`],
  post_logout_redirect_uris: [`${url}/signed-out`],
  backchannel_logout_uri: `${url}/back-channel-logout`,
  require_pushed_authorization_requests: true,
});

/** What people may do at the console, by their roles: everybody sees what they did themselves. */
const consolePolicy = {
  people: {
    issuer: ['openid', 'profile', { scope: 'issuer:admin', roles: ['operator'] }],
    audit: [
      'audit:read:own',
      { scope: 'audit:read', roles: ['auditor', 'operator'] },
      { scope: 'audit:reveal', roles: ['privacy-officer'] },
      { scope: 'audit:admin', roles: ['operator'] },
    ],
  },
};

const consoleClient = (url: string): object => ({
  client_name: 'Countersign console',
  publisher: 'Countersign',
  trusted: true,
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: [`${url}/console/signed-in`],
  post_logout_redirect_uris: [`${url}/`],
  backchannel_logout_uri: `${url}/console/back-channel-logout`,
  require_pushed_authorization_requests: true,
});

/** To which people log in by `countersign login`: a public client. What it may ask for is what its commands do, within each person's roles. */
const commandLine = {
  client_id: 'countersign-cli',
  client_name: 'Countersign command line',
  publisher: 'Countersign',
  token_endpoint_auth_method: 'none',
  application_type: 'native',
  grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
  redirect_uris: ['http://127.0.0.1/callback'],
  policy: {
    people: {
      issuer: ['openid', 'profile', { scope: 'issuer:admin', roles: ['operator'] }],
      payments: ['payments:create', 'payments:read', { scope: 'payments:reconcile', roles: ['operator'] }],
      accounts: ['accounts:read'],
      audit: [
        'audit:read:own',
        { scope: 'audit:read', roles: ['support-agent', 'operator'] },
        { scope: 'audit:admin', roles: ['operator'] },
      ],
    },
  },
};

/** The issuer's PROVIDERS_FILE: the development OpenID provider, and which of its groups give which role. */
export function providersFile(provider: string, secretFile: string): object {
  return {
    providers: [
      {
        name: 'people',
        title: 'People provider (development)',
        issuer: provider,
        client_id: 'countersign',
        client_secret_file: secretFile,
        sign_out: 'always',
        post_logout_redirect: true,
        // The development provider asks in any case, and a token in no browser is what the walks look for.
        sign_out_hint: false,
        roles: {
          claim: 'groups',
          map: {
            customers: ['customer'],
            support: ['support-agent'],
            operators: ['operator'],
            auditors: ['auditor'],
            privacy: ['privacy-officer'],
          },
        },
      },
    ],
  };
}

/** The development provider's PROVIDER_CLIENTS_FILE: this issuer. */
export function providerClientsFile({ providerSecret }: Identities, issuer: string): object {
  return {
    clients: [
      {
        client_id: 'countersign',
        client_name: 'Countersign',
        client_secret: providerSecret,
        redirect_uris: [`${issuer}/sign-in/callback/people`],
        post_logout_redirect_uris: [`${issuer}/sign-in/signed-out/people`],
        backchannel_logout_uri: `${issuer}/sign-in/logout/people`,
      },
    ],
  };
}

/** What people read when an application asks to act for them: the issuer's consent page. */
const audienceWords = {
  payments: {
    title: 'Payments',
    description: 'Takes payments from your accounts.',
    scopes: {
      'payments:create': { title: 'Pay from your accounts', description: 'You confirm large payments yourself.' },
      'payments:read': { title: 'See the payments that it made for you' },
      'payments:reconcile': { title: 'Compare all payments with the ledger', description: 'Of everybody.' },
    },
  },
  accounts: {
    title: 'Accounts',
    description: 'Your accounts, their balances and their statements.',
    scopes: {
      'accounts:read': { title: 'See your accounts', description: 'Names, balances and statements.' },
      'accounts:write': { title: 'Open accounts for you', description: 'They belong to you, and cost nothing.' },
      // Nobody is asked for it: payments gets it in exchange, and the account page shows that it was used.
      'transfers:create': { title: 'Move money from your accounts' },
    },
  },
  audit: {
    title: 'Audit trail',
    description: 'Who did what.',
    scopes: {
      'audit:read:own': { title: 'See what was done in your name' },
      'audit:read': { title: 'See what everybody did' },
      'audit:admin': { title: 'Administer the audit trail' },
    },
  },
  issuer: {
    title: 'Issuer',
    description: 'Who may do what.',
    scopes: {
      'issuer:admin': { title: 'Administer clients, keys and people', description: 'Also revoke what others have.' },
    },
  },
};

/** How often API keys of a local stack may be used: the issuer's PLANS_FILE. */
export function plansFile(): object {
  return {
    plans: {
      default: { limits: { '*': { '*': { per_minute: 6_000, burst: 600 } } } },
      public: { description: 'anybody', limits: { '*': { '*': { per_minute: 60, burst: 20, per_day: 10_000 } } } },
    },
  };
}

/** A user's own service as a client: it may pass its callers' rights on to payments and accounts, and asks for nothing by itself. */
const guestEntry = (client_id: string, key: PrivateJwk): object => ({
  client_id,
  jwks: { keys: [publicJwkOf(key)] },
  policy: {
    audiences: {},
    exchange: [
      {
        subject_audience: client_id,
        subject_scope: `${client_id}:write`,
        audience: 'payments',
        scopes: ['payments:create', 'payments:read'],
      },
      {
        subject_audience: client_id,
        subject_scope: `${client_id}:read`,
        audience: 'accounts',
        scopes: ['accounts:read'],
      },
    ],
  },
});

/**
 * The clients of the sample and what each may ask for: the issuer's CLIENTS_FILE.
 * @param people where people sign in: the demo application, and the console
 */
export function clientsFile(
  { clients, guests }: Identities,
  people?: { readonly shop: string; readonly console: string },
): object {
  const edge = (subject_scope: string, ...scopes: string[]) => ({
    subject_audience: 'payments',
    subject_scope,
    audience: 'accounts',
    scopes,
  });
  const entry = (client_id: keyof Identities['clients'], policy: object, more: object = {}) => ({
    client_id,
    ...more,
    jwks: { keys: [publicJwkOf(clients[client_id])] },
    policy,
  });
  return {
    ...(people === undefined ? {} : { audiences: audienceWords }),
    clients: [
      entry('storefront', {
        audiences: {
          payments: ['payments:create', 'payments:read', 'payments:refund', 'webhooks:read', 'webhooks:write'],
          // It opens the accounts that money comes from into its books, which may go below zero.
          accounts: ['accounts:write', 'accounts:overdraft', 'accounts:read', 'transfers:create', 'transfers:read'],
          audit: ['audit:read:own'],
          ...Object.fromEntries(Object.keys(guests).map((name) => [name, [`${name}:read`, `${name}:write`]])),
        },
      }),
      ...Object.entries(guests).map(([client_id, { key }]) => guestEntry(client_id, key)),
      entry('payments', {
        // Its own, so that it can finish after a crash what a user's token began; it owns no account, and takes from one only to pay back.
        audiences: {
          accounts: ['transfers:create', 'transfers:correct', 'transfers:read'],
          // How often API keys were used, and which were exposed.
          issuer: ['api-keys:report'],
        },
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
      ...(people === undefined
        ? []
        : [
            entry('corner-shop', cornerShopPolicy, cornerShop(people.shop)),
            entry('console', consolePolicy, consoleClient(people.console)),
            commandLine,
          ]),
    ],
  };
}

/** Payments' WEBHOOK_KEYS_FILE. */
export function webhookKeysFile({ webhookKey }: Identities): object {
  return { keys: [webhookKey] };
}
