import { createServer, type Server } from 'node:http';
import { signJwt } from './jws/sign.js';
import { generateSigningKey, publicJwkOf, type PrivateJwk } from './keys/jwk.js';

interface Example {
  readonly address: string;
  close(): Promise<void>;
}

function listening(server: Server): Promise<Example> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      resolve({
        address: `http://127.0.0.1:${String(port)}`,
        close: () =>
          new Promise((closed) =>
            server.close(() => {
              closed();
            }),
          ),
      });
    });
  });
}

/** A program that takes a `Request` and gives a `Response`, as a server. */
function answering(answer: (request: Request) => Response | Promise<Response>): Promise<Example> {
  return listening(
    createServer((request, response) => {
      const { authorization } = request.headers;
      const asked = new Request(`http://orders.test${request.url ?? '/'}`, {
        headers: authorization === undefined ? {} : { authorization },
      });
      void Promise.resolve(answer(asked)).then(async (given) => {
        response.writeHead(given.status, Object.fromEntries(given.headers)).end(await given.text());
      });
    }),
  );
}

/** Each example as its file says it, on a free port. */
const examples: Readonly<Record<string, () => Promise<Example>>> = {
  'plain Node': async () => listening((await import('../examples/node-http.js')).server),
  Fastify: async () => {
    const { app } = await import('../examples/fastify.js');
    return { address: await app.listen({ port: 0, host: '127.0.0.1' }), close: () => app.close() };
  },
  Express: async () => listening(createServer((await import('../examples/express.js')).app)),
  Hono: async () => {
    const { app } = await import('../examples/hono.js');
    return answering((request) => app.request(request));
  },
  'a Worker': async () => {
    const { default: worker } = await import('../examples/cloudflare-worker.js');
    const environment = { ISSUER: process.env['ISSUER'] ?? '' };
    return answering((request) => worker.fetch(request, environment, { waitUntil: () => undefined }));
  },
  'a Lambda function': async () => {
    const { handler } = await import('../examples/lambda.js');
    return answering(async ({ headers }) => {
      const { statusCode, headers: named = {}, body } = await handler({ headers: Object.fromEntries(headers) });
      return new Response(body, { status: statusCode, headers: named });
    });
  },
  'a proxy of Next': async () => {
    const { proxy } = await import('../examples/next-proxy.js');
    return answering(async (request) => (await proxy(request)) ?? new Response('{"readBy":"ada"}'));
  },
};

describe('the verifier in a service of', () => {
  let key: PrivateJwk;
  let issuer: Example;
  beforeAll(async () => {
    key = await generateSigningKey();
    issuer = await listening(
      createServer((_request, response) => response.end(JSON.stringify({ keys: [publicJwkOf(key)] }))),
    );
    process.env['ISSUER'] = issuer.address;
  });
  afterAll(async () => {
    delete process.env['ISSUER'];
    await issuer.close();
  });
  const token = (claims: object): string => {
    const now = Math.floor(Date.now() / 1_000);
    const good = {
      iss: issuer.address,
      sub: 'ada',
      aud: 'orders',
      exp: now + 60,
      iat: now,
      jti: 'j',
      client_id: 'shop',
      scope: 'orders:read',
    };
    return signJwt({ typ: 'at+jwt', kid: key.kid }, { ...good, ...claims }, key);
  };

  it.each(Object.keys(examples))('%s lets a valid token in, and refuses any other as the RFCs say', async (name) => {
    const example = await examples[name]?.();
    if (example === undefined) throw new Error('no example');
    const ask = async (authorization?: string) => {
      const answer = await fetch(`${example.address}/orders/7`, {
        headers: authorization === undefined ? {} : { authorization },
      });
      return { status: answer.status, challenge: answer.headers.get('www-authenticate'), body: await answer.text() };
    };
    expect(await ask(`Bearer ${token({})}`)).toEqual({ status: 200, challenge: null, body: '{"readBy":"ada"}' });
    expect(await ask()).toMatchObject({ status: 401, challenge: 'Bearer realm="orders"' });
    expect(await ask('Basic abc')).toMatchObject({ status: 401, challenge: 'Bearer realm="orders"' });
    const expired = await ask(`Bearer ${token({ exp: 1 })}`);
    expect(expired).toMatchObject({ status: 401, body: 'the token has expired' });
    expect(expired.challenge).toContain('error="invalid_token"');
    const narrow = await ask(`Bearer ${token({ scope: 'orders:write' })}`);
    expect(narrow.status).toBe(403);
    expect(narrow.challenge).toContain('error="insufficient_scope"');
    expect(narrow.challenge).toContain('scope="orders:read"');
    await example.close();
  });
});
