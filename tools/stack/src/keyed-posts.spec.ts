import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../../..');

/** Why a POST needs no Idempotency-Key: a repeat must do nothing that the first request has not done. */
const withoutKey: Readonly<Record<string, string>> = {
  'POST log/checkpoint': 'answers the log as it is now; a repeat finds it integrated',
  'POST events/:id/reveal': 'reads',
  'POST events/erase': 'a repeat erases what is erased already',
  'POST intake/sources/:source/gaps/accept': 'source and numbers are the key: a repeat is 409 GAP_UNKNOWN',
  'POST intake/dead-letters/:position/replay': 'the position is the key: a repeat is 409 DEAD_LETTER_REPLAYED',
  'POST console/back-channel-logout': 'a repeat ends what has ended already',
  'POST console/sign-out': 'a repeat ends what has ended already',
  'POST log/recovery/recall': 'asks for what is missing now',
  'POST log/recovery': 'a repeat is 409 LOG_NOT_RESTORED',
  'POST admin/api-keys/lookup': 'reads',
  'POST api-keys/usage': 'each report has an id and is counted once',
  'POST api-keys/exposures': 'a repeat marks what is marked already',
  'POST consent': 'answers an authorization request, which is used up by it',
  'POST device': 'shows what waits for the code that was entered',
  'POST device/decision': 'answers a device, which is decided by it; a repeat is 400 REQUEST_OVER',
  'POST oauth2/device_authorization': 'a retry makes another code; the first one expires unused (RFC 8628)',
  'POST oauth2/par': 'a retry makes another request_uri; the first one expires unused (RFC 9126)',
  'POST oauth2/userinfo': 'reads (OpenID Connect Core, section 5.3)',
  'POST oauth2/introspect': 'reads (RFC 7662)',
  'POST oauth2/revoke': 'a repeat revokes what is revoked already (RFC 7009)',
  'POST oauth2/token': 'a client assertion works once; a retry requests another token (RFC 6749)',
  'POST admin/restoration/acknowledge': 'a repeat acknowledges what is acknowledged already',
  'POST reconciliation': 'compares as things are now; a repair that was made leaves nothing to repair',
  'POST account/applications/end': 'a repeat ends what has ended already',
  'POST account/sessions/end': 'a repeat ends what has ended already',
  'POST account/sessions/end-others': 'a repeat ends what has ended already',
  'POST sign-out': 'a repeat ends what has ended already',
  'POST oauth2/authorize': 'only redirects to the same address by GET',
  'POST oauth2/end-session': 'only redirects to the same address by GET',
  'POST sign-in/logout/:provider': 'each logout token works once (OpenID Connect Back-Channel Logout)',
  'POST transfers': "the transfer's id is its key",
  'POST transfers/:id/post': 'a repeat gets the posted transfer',
  'POST transfers/:id/void': 'a repeat gets the voided transfer',
};

const routes = globSync('apps/*/src/**/*.controller.ts', { cwd: root }).flatMap((file) => {
  const text = readFileSync(resolve(root, file), 'utf8');
  return [...text.matchAll(/@Post\((?:'([^']*)')?\)([\s\S]*?)\n {2}(?:async )?[a-zA-Z]+\(/g)].map((found) => {
    const controllers = [...text.slice(0, found.index).matchAll(/@Controller\('([^']*)'\)/g)];
    const path = [controllers.at(-1)?.[1], found[1]].filter((part) => part !== undefined && part !== '').join('/');
    return { name: `POST ${path}`, takesKey: /TakesIdempotencyKey\(|name: 'Idempotency-Key'/.test(found[2] ?? '') };
  });
});

describe('every POST of every service', () => {
  it('takes an Idempotency-Key, or is listed here with why a repeat does nothing twice', () => {
    const posts = globSync('apps/*/src/**/*.ts', { cwd: root }).reduce(
      (count, file) => count + [...readFileSync(resolve(root, file), 'utf8').matchAll(/^\s*@Post\(/gm)].length,
      0,
    );
    expect(routes).toHaveLength(posts);
    const keyless = routes.filter(({ takesKey }) => !takesKey).map(({ name }) => name);
    expect(keyless.sort()).toEqual(Object.keys(withoutKey).sort());
  });
});
