import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { reasonOf } from './reason.js';

describe('why something failed', () => {
  it('is in the causes of what fetch throws, and in the errors of a name with several addresses', async () => {
    const gone = createServer().listen(0, '127.0.0.1');
    await once(gone, 'listening');
    const address = gone.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await new Promise((done) => gone.close(done));
    const socket = connect({
      host: 'database.internal',
      port,
      lookup: (_name, _options, done) => {
        done(null, [
          { address: '127.0.0.1', family: 4 },
          { address: '127.0.0.2', family: 4 },
        ]);
      },
    });
    const [refused]: unknown[] = await once(socket, 'error').catch((error: unknown) => [error]);
    expect(refused).toMatchObject({ message: '', code: 'ECONNREFUSED' });
    const words = `ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:${String(port)}`;
    expect(reasonOf(refused)).toBe(words);
    expect(reasonOf(new TypeError('fetch failed', { cause: refused }))).toBe(`fetch failed: ${words}`);
    const ring = new Error('one');
    ring.cause = ring;
    expect(reasonOf(ring)).toMatch(/^one: one/);
    expect([reasonOf('away'), reasonOf(undefined), reasonOf({})]).toEqual(['away', 'undefined', 'failed']);
  });
});
