import { createServer, type Server, type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { createWebhookSender, shownReasonOf, type WebhookSender } from './sender.js';

describe('a webhook’s sender', () => {
  let server: Server;
  let url: string;
  let sender: WebhookSender;
  let newSender: (answerMs: number) => WebhookSender;
  const sockets = new Set<Socket>();
  const waiting: ServerResponse[] = [];
  let onRequest: (response: ServerResponse) => void = () => undefined;

  beforeEach(async () => {
    waiting.length = 0;
    server = createServer((request, response) => {
      request.resume();
      onRequest(response);
    });
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    url = `http://127.0.0.1:${String(typeof address === 'object' ? address?.port : '')}/hook`;
    const signer = { sign: () => Promise.resolve('header..signature'), jwks: { keys: [] } };
    newSender = (answerMs) =>
      createWebhookSender({ signer, rule: 'any', now: () => new Date(), times: { connectMs: 10_000, answerMs } });
    sender = newSender(10_000);
  });
  afterEach(async () => {
    await sender.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const send = (id: string) => sender.send({ id, url, body: '{}' });

  it('lets no attempt wait for another’s receiver: all of a burst are in progress at once', async () => {
    onRequest = (response) => {
      waiting.push(response);
      // Anyone who waited for a connection would never get here: nobody is answered before all have come.
      if (waiting.length === 16) for (const each of waiting) each.writeHead(200).end();
    };
    const sent = await Promise.all(Array.from({ length: 16 }, (_, index) => send(String(index))));
    expect(sent).toEqual(sent.map(() => ({ kind: 'answered', status: 200 })));
  });

  it('reports how long it waited for a receiver that does not respond', async () => {
    await sender.close();
    sender = newSender(2_000);
    onRequest = () => undefined;
    expect(await send('one')).toEqual({ kind: 'failed', reason: 'no answer within 2 seconds' });
  });

  it('reports that a receiver refuses connections, even if its name has several addresses', () => {
    const refused = ['2001:db8::1', '192.0.2.1'].map((host) => new Error(`connect ECONNREFUSED ${host}:443`));
    // As Node's sockets do.
    const several = Object.assign(new AggregateError(refused, ''), { code: 'ECONNREFUSED' });
    expect(shownReasonOf(several, { connectMs: 1_000, answerMs: 1_000 })).toBe(
      'ECONNREFUSED: connect ECONNREFUSED 2001:db8::1:443',
    );
  });

  it('judges a response by its status, however long the rest of it takes', async () => {
    onRequest = (response) => {
      response.writeHead(204, { 'content-type': 'text/plain' }).flushHeaders();
    };
    expect(await send('one')).toEqual({ kind: 'answered', status: 204 });
    onRequest = (response) => {
      response.writeHead(201).write('never ended');
    };
    expect(await send('two')).toEqual({ kind: 'answered', status: 201 });
  });
});
