import { randomUUID } from 'node:crypto';
import { createDpopProof, signJwt, type PrivateJwk } from '@countersign/auth-core';
import { type LoadOrder } from './load-order.js';

type Form = Readonly<Record<string, string>>;

/** Identifies the client: a new assertion for each request, or for a public client only its name. */
function credentialsOf(clientId: string, audience: string, key: PrivateJwk | undefined): Form {
  if (key === undefined) return { client_id: clientId };
  const now = Math.floor(Date.now() / 1_000);
  const claims = { iss: clientId, sub: clientId, aud: audience, jti: randomUUID(), iat: now, exp: now + 60 };
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: signJwt({ typ: 'JWT', kid: key.kid }, claims, key),
  };
}

function requestOf(
  { audience, form, path, port, clientId = 'bench', key }: LoadOrder,
  own: Form,
  proof: string,
): Buffer {
  const body = new URLSearchParams({ ...form, ...own, ...credentialsOf(clientId, audience, key) }).toString();
  const head = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${String(port)}\r\n`;
  const type = 'content-type: application/x-www-form-urlencoded\r\n';
  return Buffer.from(`${head}${type}${proof}content-length: ${String(body.length)}\r\n\r\n${body}`);
}

/** The requests of an order as bytes, signed before anything is measured. Of several proof keys each request uses the next one in turn. */
export function tokenRequestsOf(order: LoadOrder): readonly Buffer[] {
  const { each, proofKeys = [], port, path, requests } = order;
  const url = `http://127.0.0.1:${String(port)}${path}`;
  const proofOf = (index: number): string => {
    const key = proofKeys[index % proofKeys.length];
    return key === undefined ? '' : `dpop: ${createDpopProof({ key, method: 'POST', url })}\r\n`;
  };
  return Array.from({ length: each?.length ?? requests }, (_, index) =>
    requestOf(order, each?.[index] ?? {}, proofOf(index)),
  );
}
