// `node examples/two-services/run.mjs`: a caller, a service and a second service, without any session.
import { randomUUID } from 'node:crypto';
import { createVerifier } from '@countersign/auth-core';
import { call, tokensOf, urlOf } from '../stack.mjs';

const storefront = tokensOf('storefront');
const { token } = await storefront.getToken({ audience: 'payments', scopes: ['payments:create'] });
const { sub, aud, scope, exp, iat } = JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
console.log(`1. The issuer signs who is calling: ${sub} may ${scope} at ${aud}, for ${exp - iat} seconds.`);

const verifier = await createVerifier({ issuer: urlOf('issuer'), audience: 'payments' });
let asked = 0;
const { fetch: real } = globalThis;
globalThis.fetch = (...request) => {
  asked += 1;
  return real(...request);
};
for (let times = 0; times < 1_000; times += 1) verifier.verify(token);
console.log(`2. A service verifies it by itself: 1000 times, ${asked} questions to the issuer.`);
globalThis.fetch = real;

const own = await storefront.getToken({ audience: 'accounts', scopes: ['accounts:write', 'accounts:overdraft'] });
const open = async (name, overdraft) => {
  const body = { name, kind: 'liability', currency: 'EUR', overdraft };
  return (await call(`${urlOf('accounts')}/accounts`, { token: own.token, body, key: randomUUID() })).body.id;
};
const order = {
  amount: { amount: '1250', currency: 'EUR' },
  from: await open('customer', 'allowed'),
  to: await open('merchant', 'forbidden'),
  reference: 'two services',
};
const paid = await call(`${urlOf('payments')}/payments`, { token, body: order, key: randomUUID() });
console.log(`3. payments accepts it, and calls accounts for its caller: ${paid.status} ${paid.body.status}.`);

const wrong = await call(`${urlOf('accounts')}/accounts`, { token });
console.log(`4. accounts does not accept the same token: ${wrong.status} ${wrong.body.code}.`);

const auditor = await tokensOf('auditor').getToken({ audience: 'audit', scopes: ['audit:read'] });
for (let tries = 0; ; tries += 1) {
  const query = `resource=transfer/${paid.body.id}&limit=5`;
  const found = (await call(`${urlOf('audit')}/events?${query}`, { token: auditor.token })).body.events;
  const posted = found.find(({ event }) => event.type === 'countersign.accounts.transfer.posted.v1');
  if (posted !== undefined || tries > 300) {
    const { subject, actors } = posted?.event.data.principal ?? { subject: 'unknown', actors: [] };
    console.log(`5. accounts knows the chain all the same: ${subject}, through ${actors.join(', ')}.`);
    process.exitCode = posted === undefined ? 1 : 0;
    break;
  }
  await new Promise((done) => setTimeout(done, 100));
}
verifier.close?.();
