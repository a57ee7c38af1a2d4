import { type IssuerUnderTest } from './issuer-under-test.js';

/** Where the test applications get their answers. */
export const REDIRECT = 'https://planner.example/signed-in';

const people = {
  issuer: ['openid', 'profile', 'email', 'offline_access'],
  payments: ['payments:create', 'payments:read', { scope: 'payments:refund', roles: ['treasurer'] }],
};

/** Applications that people use, for specs: a public one, a confidential one, a native one, one without a browser and a trusted one. */
export const applications = {
  planner: {
    client_id: 'planner',
    client_name: 'Planner',
    publisher: 'Planner Ltd',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: [REDIRECT],
    policy: { people },
  },
  bookkeeper: {
    client_id: 'bookkeeper',
    client_name: 'Bookkeeper',
    publisher: 'Books Inc',
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: ['https://books.example/cb', 'https://books.example/other'],
    policy: { people },
  },
  pocket: {
    client_id: 'pocket',
    client_name: 'Pocket',
    publisher: 'Pocket Ltd',
    kind: 'application',
    token_endpoint_auth_method: 'none',
    application_type: 'native',
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: ['http://127.0.0.1/cb', 'com.example.pocket:/cb'],
    policy: { people },
  },
  terminal: {
    client_id: 'terminal',
    client_name: 'Terminal',
    publisher: 'Terminal Ltd',
    token_endpoint_auth_method: 'none',
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    policy: { people },
  },
  office: {
    client_id: 'office',
    client_name: 'Office',
    trusted: true,
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code'],
    redirect_uris: ['https://office.example/cb'],
    policy: { people },
  },
} as const;

/** Registers all of them. @returns the secret of `bookkeeper` */
export async function registerApplications(issuer: IssuerUnderTest): Promise<string> {
  let secret = '';
  for (const registration of Object.values(applications)) {
    const { status, body } = await issuer.admin('POST', '/admin/clients', registration);
    if (status !== 201) throw new Error(JSON.stringify(body));
    if (typeof body['client_secret'] === 'string') secret = body['client_secret'];
  }
  return secret;
}

/** `Authorization: Basic`. */
export function basic(clientId: string, secret: string): Readonly<Record<string, string>> {
  return { authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}` };
}
