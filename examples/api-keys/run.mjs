// `node examples/api-keys/run.mjs`: a public catalogue API and three applications, each with its own key; one of them floods.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createApiKeyVerifier, generateSigningKey, limitFields, publicJwkOf, TokenError } from '@countersign/auth-core';
import { call, tokensOf, urlOf } from '../stack.mjs';

const { token } = await tokensOf('operator').getToken({ audience: 'issuer', scopes: ['issuer:admin'] });
const admin = async (path, body) => {
  const key = body === undefined ? undefined : randomUUID();
  const answer = await call(`${urlOf('issuer')}/admin/${path}`, { token, body, key });
  if (answer.status >= 400) throw new Error(`${path}: ${answer.body.detail}`);
  return answer.body;
};
const register = async (name, audiences) => {
  const clientKey = await generateSigningKey();
  const jwks = { keys: [publicJwkOf(clientKey)] };
  await admin('clients', { client_id: name, jwks, policy: { audiences } });
  return clientKey;
};
const run = randomUUID().slice(0, 8);

// The catalogue: a plain Node service. It is a client of the issuer, named as its audience.
const audience = `catalogue-${run}`;
const clientKey = await register(audience, { issuer: ['api-keys:report'] });
const keys = await createApiKeyVerifier({ issuer: urlOf('issuer'), audience, clientKey });
const server = createServer((request, response) => {
  const answer = (status, headers, body) =>
    response.writeHead(status, { ...headers, 'content-type': 'application/json' }).end(JSON.stringify(body));
  const { url, headers, socket } = request;
  keys.verify(String(headers['x-api-key']), { address: socket.remoteAddress, url, scopes: ['catalogue:read'] }).then(
    ({ principal, limit }) =>
      answer(200, limit === undefined ? {} : limitFields(limit), {
        items: ['tea', 'coffee'],
        for: principal.subject,
      }),
    (error) =>
      error instanceof TokenError
        ? answer(error.status, error.headers(audience), { code: error.code })
        : answer(500, {}, { code: 'INTERNAL' }),
  );
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${server.address().port}/`;

const applications = [];
for (const name of ['shop', 'partner', 'crawler']) {
  const client = `${name}-${run}`;
  const audiences = { [audience]: ['catalogue:read'] };
  await register(client, audiences);
  const made = await admin('api-keys', { client_id: client, name, audiences, plan: 'public' });
  applications.push({ name, id: made.id, key: made.api_key });
}
console.log(`1. Three applications have a key each, shown once: ${applications[0].key.slice(0, 9)}…`);

const ask = async (key) => (await fetch(url, { headers: { 'x-api-key': key } })).status;
const [shop, partner, crawler] = applications;
const times = (count, key) => Promise.all(Array.from({ length: count }, () => ask(key)));
const [forShop, forPartner, forCrawler] = await Promise.all([
  times(10, shop.key),
  times(10, partner.key),
  times(200, crawler.key),
]);
const good = (statuses) => statuses.filter((status) => status === 200).length;
console.log(`2. shop asks 10 times, ${good(forShop)} answered; partner 10 times, ${good(forPartner)} answered.`);
const limited = forCrawler.filter((status) => status === 429).length;
console.log(
  `3. crawler asks 200 times at once: ${good(forCrawler) + limited} answers, ${limited > 150 ? 'most' : 'few'} of them 429.`,
);

await keys.flush();
const { totals } = await admin(`api-keys/${crawler.id}/usage`);
const counted = totals.allowed === good(forCrawler) && totals.limited === limited;
console.log(`4. The issuer has counted ${counted ? 'each of them' : JSON.stringify(totals)}.`);

await admin(`api-keys/${crawler.id}/revoke`, { reason: 'floods' });
const fresh = await createApiKeyVerifier({ issuer: urlOf('issuer'), audience, clientKey });
const refusal = await fresh.verify(crawler.key).catch((error) => error);
console.log(`5. Its key is revoked: ${refusal.status} ${refusal.code}.`);

server.close();
server.closeAllConnections();
await Promise.all([keys.close(), fresh.close()]);
process.exitCode = good(forShop) === 10 && good(forPartner) === 10 && counted && refusal.status === 401 ? 0 : 1;
