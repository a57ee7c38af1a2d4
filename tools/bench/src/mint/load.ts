// A child process of the mint benchmark: asks a token endpoint for tokens, each with its own assertion, signed beforehand.
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { signJwt, type PrivateJwk } from '@countersign/auth-core';
import { z } from 'zod';

export const loadOrderSchema = z.object({
  port: z.number(),
  path: z.string(),
  /** The assertion's `aud`. */
  audience: z.string(),
  form: z.record(z.string(), z.string()),
  /** For grants of which each request needs its own: what each adds to the form; as many requests as there are. */
  each: z.array(z.record(z.string(), z.string())).optional(),
  /** `bench` when left out. */
  clientId: z.string().optional(),
  key: z.looseObject({ kty: z.string(), kid: z.string(), alg: z.string(), d: z.string() }),
  requests: z.number(),
  connections: z.number(),
});
export type LoadOrder = z.infer<typeof loadOrderSchema>;

export const loadReportSchema = z.object({
  perSecond: z.number(),
  p50: z.number(),
  p99: z.number(),
  /** Of this process, from the first request to the last answer. */
  cpuSeconds: z.number(),
  failed: z.string(),
  refreshTokens: z.array(z.string()),
});
/** Requests a second; milliseconds; the first answer that was no token, or nothing; the refresh tokens of the answers. */
export type LoadReport = z.infer<typeof loadReportSchema>;

function requestOf(
  { audience, form, path, port, clientId = 'bench' }: LoadOrder,
  key: PrivateJwk,
  own: Readonly<Record<string, string>> = {},
): Buffer {
  const now = Math.floor(Date.now() / 1_000);
  const claims = { iss: clientId, sub: clientId, aud: audience, jti: randomUUID(), iat: now, exp: now + 60 };
  const body = new URLSearchParams({
    ...form,
    ...own,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: signJwt({ typ: 'JWT', kid: key.kid }, claims, key),
  }).toString();
  const head = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${String(port)}\r\n`;
  const type = 'content-type: application/x-www-form-urlencoded\r\n';
  return Buffer.from(`${head}${type}content-length: ${String(body.length)}\r\n\r\n${body}`);
}

/** Reads one answer at a time from a connection that is kept. @returns its whole text once it is there */
function answerIn(text: string): string | undefined {
  const head = text.indexOf('\r\n\r\n');
  if (head === -1) return undefined;
  const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? Number.NaN);
  return text.length >= head + 4 + length ? text : undefined;
}

function run(order: LoadOrder): Promise<LoadReport> {
  const key: PrivateJwk = order.key;
  const { each } = order;
  const requests =
    each === undefined
      ? Array.from({ length: order.requests }, () => requestOf(order, key))
      : each.map((own) => requestOf(order, key, own));
  const refreshTokens: string[] = [];
  const times: number[] = [];
  let failed = '';
  const begun = performance.now();
  const cpu = process.cpuUsage();
  const worker = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect(order.port, '127.0.0.1').setNoDelay(true).setEncoding('latin1').on('error', reject);
      let sent = 0;
      let received = '';
      const next = (): void => {
        const request = requests.pop();
        if (request === undefined) {
          socket.end();
          resolve();
          return;
        }
        received = '';
        sent = performance.now();
        socket.write(request);
      };
      socket.on('connect', next).on('data', (chunk: string) => {
        received += chunk;
        const answer = answerIn(received);
        if (answer === undefined) return;
        times.push(performance.now() - sent);
        if (!answer.startsWith('HTTP/1.1 200') || !answer.includes('"access_token"')) failed ||= answer;
        const refreshToken = /"refresh_token":"([^"]+)"/.exec(answer)?.[1];
        if (refreshToken !== undefined) refreshTokens.push(refreshToken);
        next();
      });
    });
  return Promise.all(Array.from({ length: order.connections }, worker)).then(() => {
    const seconds = (performance.now() - begun) / 1_000;
    const { user, system } = process.cpuUsage(cpu);
    times.sort((one, other) => one - other);
    const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
    return {
      ...{ perSecond: times.length / seconds, p50: at(0.5), p99: at(0.99) },
      ...{ cpuSeconds: (user + system) / 1e6, failed, refreshTokens },
    };
  });
}

process.on('message', (message) => {
  void run(loadOrderSchema.parse(message)).then((report) => process.send?.(report));
});
