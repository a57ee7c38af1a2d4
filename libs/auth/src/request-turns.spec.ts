import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate as afterTurn } from 'node:timers/promises';
import { fastify } from 'fastify';
import { requestTurns } from './request-turns.js';

describe('request turns', () => {
  it('lets requests that arrived together take each step in lockstep, in order of arrival', async () => {
    const turns = requestTurns();
    const steps: string[] = [];
    const serve = async (name: string): Promise<void> => {
      steps.push(`${name} verified`);
      await Promise.resolve();
      steps.push(`${name} signed`);
    };
    for (const name of ['one', 'two', 'three']) turns({}, {}, () => void serve(name));
    expect(steps).toEqual([]);
    await afterTurn();
    expect(steps).toEqual([
      'one verified',
      'two verified',
      'three verified',
      'one signed',
      'two signed',
      'three signed',
    ]);
  });

  it('lets a request that arrives while others are served take the next turn', async () => {
    const turns = requestTurns();
    const served: string[] = [];
    turns({}, {}, () => {
      served.push('one');
      turns({}, {}, () => served.push('two'));
    });
    await afterTurn();
    expect(served).toEqual(['one']);
    await afterTurn();
    expect(served).toEqual(['one', 'two']);
  });

  it('leaves each request its own asynchronous context', async () => {
    const context = new AsyncLocalStorage<string>();
    const turns = requestTurns();
    const seen: (string | undefined)[] = [];
    for (const trace of ['a', 'b']) context.run(trace, () => turns({}, {}, () => seen.push(context.getStore())));
    await afterTurn();
    expect(seen).toEqual(['a', 'b']);
  });

  it('serves every one of many pipelined requests with bodies, and an error stays with its own', async () => {
    const app = fastify();
    app.addHook('onRequest', requestTurns());
    app.post<{ Body: { n: number } }>('/', ({ body: { n } }, reply) => {
      if (n === 3) throw new Error('three');
      return reply.send(`answer ${String(n)};`);
    });
    const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }));
    try {
      const socket = connect(Number(port), '127.0.0.1').setEncoding('utf8');
      const head = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n';
      const bodies = Array.from({ length: 50 }, (_, n) => JSON.stringify({ n }));
      socket.write(bodies.map((body) => `${head}content-length: ${String(body.length)}\r\n\r\n${body}`).join(''));
      let answers = '';
      while (!answers.includes('answer 49;')) answers += String(await once(socket, 'data'));
      socket.destroy();
      expect(answers.match(/answer \d+;/g)).toEqual(
        bodies.flatMap((_, n) => (n === 3 ? [] : [`answer ${String(n)};`])),
      );
      expect(answers.match(/HTTP\/1.1 500/g)).toHaveLength(1);
    } finally {
      await app.close();
    }
  });
});
