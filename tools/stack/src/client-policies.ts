import { publicJwkOf, type PrivateJwk } from '@countersign/auth-core';
import { type Identities } from './identities.js';

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
      // Sees no event by itself: reading the trail and seeing personal data are two rights.
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
