// The local stack's URLs (npm start), and its clients: what an application reads from its own configuration.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createTokenClient } from '@countersign/auth-core';

export const root = fileURLToPath(new URL('..', import.meta.url));
export const folder = process.env.COUNTERSIGN_STACK ?? join(root, '.countersign');
/** The service's URL, from the variables that it was started with. */
export function urlOf(service) {
  const variables = readFileSync(join(folder, 'env', `${service}.env`), 'utf8');
  return `http://127.0.0.1:${/^PORT=(\d+)$/m.exec(variables)?.[1] ?? ''}`;
}

const isRunning =
  existsSync(join(folder, 'env', 'issuer.env')) &&
  (await fetch(`${urlOf('issuer')}/health/live`).catch(() => undefined))?.ok === true;
if (!isRunning) {
  console.error('No local stack is running. In another terminal: npm start');
  process.exit(2);
}

/** Gets tokens as one of the stack's clients. */
export function tokensOf(clientId) {
  const key = JSON.parse(readFileSync(join(folder, 'env', `${clientId}-key.json`), 'utf8'));
  return createTokenClient({ issuer: urlOf('issuer'), clientId, key });
}

/** One JSON request. @returns the status and the body */
export async function call(url, { token, body, key } = {}) {
  const response = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}
