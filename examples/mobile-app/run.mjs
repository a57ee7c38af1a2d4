// `node examples/mobile-app/run.mjs`: an application on a person's device, which cannot keep a secret, with `openid-client`.
import { randomUUID } from 'node:crypto';
import { CookieJar, walkSignIn } from '@countersign/people-provider/walk';
import * as client from 'openid-client';
import { call, tokensOf, urlOf } from '../stack.mjs';

const [issuer, payments] = [urlOf('issuer'), urlOf('payments')];
const clientId = `wallet-${randomUUID().slice(0, 8)}`;
const redirect_uri = 'com.example.wallet:/signed-in';

// The company's declaration: no secret, the redirects, and what it may request from a person.
const operator = await tokensOf('operator').getToken({ audience: 'issuer', scopes: ['issuer:admin'] });
const declared = await call(`${issuer}/admin/clients`, {
  token: operator.token,
  key: randomUUID(),
  body: {
    client_id: clientId,
    client_name: 'Pocket Wallet',
    publisher: 'Example Ltd.',
    kind: 'application',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: [redirect_uri],
    policy: { people: { payments: ['payments:read'] } },
  },
});
if (declared.status !== 201) throw new Error(JSON.stringify(declared.body));

// The device: a key that never leaves it, and the system's browser, which has the person's cookies and reveals nothing to the application.
const key = await client.randomDPoPKeyPair('ES256');
const cookies = new CookieJar();
const browse = async (address, form) => {
  const url = new URL(address, issuer);
  const response = await fetch(url, {
    redirect: 'manual',
    headers: { cookie: cookies.header(url.pathname), ...(form === undefined ? {} : { origin: issuer }) },
    ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
  });
  cookies.take(response);
  return { page: await response.text(), next: response.headers.get('location') ?? undefined };
};
const fieldsOf = (page) =>
  Object.fromEntries(
    [...page.matchAll(/<input\s+type="hidden"\s+name="([^"]+)"\s+value="([^"]*)"/g)].map(([, name, value]) => [
      name,
      value,
    ]),
  );

const config = await client.discovery(new URL(issuer), clientId, undefined, client.None(), {
  algorithm: 'oauth2',
  execute: [client.allowInsecureRequests],
});
const DPoP = client.getDPoPHandle(config, key);
const begin = async () => {
  const [pkceCodeVerifier, expectedState] = [client.randomPKCECodeVerifier(), client.randomState()];
  const url = await client.buildAuthorizationUrlWithPAR(
    config,
    {
      redirect_uri,
      scope: 'payments:read',
      resource: 'payments',
      state: expectedState,
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    },
    { DPoP },
  );
  return { url, checks: { pkceCodeVerifier, expectedState } };
};
/** Opens the browser, where Carol signs in if necessary, and allows what the page lists. @returns where the browser goes next */
const allow = async (url) => {
  let { page, next } = await browse(url);
  while (next !== undefined) {
    const to = next.startsWith(issuer) || next.startsWith('/') ? next : await walkSignIn(next, { person: 'carol' });
    ({ page, next } = await browse(to));
  }
  const words = /<strong><bdi>([^<]+)</.exec(page)?.[1];
  const answer = await browse('/consent', { ...fieldsOf(page), decision: 'allow' });
  return { words, answer: new URL(answer.next) };
};

const first = await begin();
const { words, answer } = await allow(first.url);
console.log(`1. Carol signs in at her provider and reads what Pocket Wallet will be able to do: "${words}".`);
console.log(
  `2. She allows it; the answer goes to ${answer.protocol} with ${[...answer.searchParams.keys()].join(', ')}.`,
);

// Another program on the device also claims com.example.wallet: and gets the code, but it has neither the verifier nor the key.
const stolen = {
  grant_type: 'authorization_code',
  client_id: clientId,
  redirect_uri,
  code: answer.searchParams.get('code'),
};
const tried = await fetch(`${issuer}/oauth2/token`, {
  method: 'POST',
  body: new URLSearchParams({ ...stolen, code_verifier: client.randomPKCECodeVerifier() }),
});
console.log(
  `3. A program that stole the code gets ${tried.status} ${(await tried.json()).error}; the code still works for its owner.`,
);

const tokens = await client.authorizationCodeGrant(config, answer, first.checks, undefined, { DPoP });
const read = (options) =>
  client.fetchProtectedResource(
    config,
    tokens.access_token,
    new URL('/payments', payments),
    'GET',
    undefined,
    undefined,
    options,
  );
const withKey = await read({ DPoP });
const withoutKey = await call(`${payments}/payments`, { token: tokens.access_token });
console.log(
  `4. The token works with a proof of the device's key: ${withKey.status}; copied elsewhere: ${withoutKey.status} ${withoutKey.body.code}.`,
);

const refresh = () => client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
const both = await Promise.all([refresh(), refresh()]);
const successors = new Set(both.map(({ refresh_token }) => refresh_token)).size;
console.log(
  `5. Two refreshes at the same moment bring ${successors === 1 ? 'the same successor' : 'two'}: nobody is signed out.`,
);

const { form_token } = fieldsOf((await browse('/account')).page);
const since = performance.now();
await browse('/account/applications/end', { form_token, client_id: clientId });
let status = 200;
while (status === 200 && performance.now() - since < 10_000)
  status = await read({ DPoP }).then(
    (response) => response.status,
    (error) => error.status ?? 401,
  );
const again = await client
  .refreshTokenGrant(config, both[0].refresh_token, undefined, { DPoP })
  .catch((error) => error);
console.log(
  `6. Carol ends it on her account page: payments refuses the token (${status}), the issuer the refresh token (${again.error}).`,
);

process.exitCode = withKey.status === 200 && withoutKey.status === 401 && successors === 1 && status === 401 ? 0 : 1;
