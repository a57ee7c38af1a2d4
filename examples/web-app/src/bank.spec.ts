import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { Bank } from './bank.js';
import { PersonsTokens } from './persons-tokens.js';
import { newSession } from './session.js';

/** As much of accounts and payments as the shop calls: they remember keys for a day. */
describe('the welcome gift', () => {
  let server: Server;
  let url: URL;
  const keys = new Map<string, string>();
  const accounts = new Map<string, { readonly owner: string; readonly name: string; entries: number }>();
  beforeAll(async () => {
    server = createServer((request, response) => {
      void (async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(Buffer.from(chunk as Uint8Array));
        const owner = request.headers.authorization ?? '';
        const path = request.url ?? '';
        const shown = ([id, { name }]: readonly [string, { name: string }]) => ({
          id,
          name,
          balance: { amount: '0', currency: 'EUR' },
        });
        const answer = (): object => {
          const [, of] = /^\/accounts\/([^/]+)\/entries/.exec(path) ?? [];
          if (of !== undefined) return { entries: Array.from({ length: accounts.get(of)?.entries ?? 0 }, () => ({})) };
          if (request.method === 'GET')
            return { accounts: [...accounts].filter(([, one]) => one.owner === owner).map(shown) };
          const body = JSON.parse(Buffer.concat(chunks).toString()) as { name: string; to: string };
          if (path === '/accounts') {
            const id = `a-${String(accounts.size)}`;
            accounts.set(id, { owner, name: body.name, entries: 0 });
            return shown([id, body]);
          }
          const paid = accounts.get(body.to);
          if (paid !== undefined) paid.entries += 1;
          return {
            id: 'p',
            status: 'settled',
            amount: { amount: '1', currency: 'EUR' },
            reference: '',
            created_at: '',
          };
        };
        const key = `${owner} ${String(request.headers['idempotency-key'])}`;
        const known = request.method === 'POST' ? keys.get(key) : undefined;
        const text = known ?? JSON.stringify(answer());
        if (request.method === 'POST') keys.set(key, text);
        response.end(text);
      })();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = new URL(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}`);
  });
  afterAll(() => server.close());

  it('is given once, also to a person who asks again when the bank has forgotten the key', async () => {
    const session = newSession({ subject: 'ada', name: 'Ada', sid: undefined });
    session.allowed.set('accounts', { accessToken: 'ada', refreshToken: undefined, expiresAt: Infinity });
    const refresh = () => Promise.reject(new Error('nothing ends here'));
    const bank = new Bank(
      { accounts: url, payments: url },
      { own: () => Promise.resolve('shop') },
      new PersonsTokens({ refresh }, () => 0),
    );
    for (let day = 0; day < 3; day += 1) {
      await bank.open(session);
      await bank.open(session);
      keys.clear();
    }
    const adas = [...accounts.values()].filter(({ owner }) => owner === 'Bearer ada');
    expect(adas).toEqual([expect.objectContaining({ name: 'Shopping', entries: 1 })]);
  });
});
