import { setImmediate as turn } from 'node:timers/promises';
import { ExposedKeys } from './exposed-keys.js';
import { UnknownKeys } from './unknown-keys.js';

const HOUR = 3_600_000;
const PER_MINUTE = 3;

describe('keys that were sent in a URL', () => {
  const clock = { now: 0 };
  const issuer = { reported: [] as string[], refuses: new Set<string>(), isAway: false, atOnce: 0, mostAtOnce: 0 };
  let unknown: UnknownKeys;
  let exposed: ExposedKeys;

  beforeEach(() => {
    Object.assign(issuer, { reported: [], refuses: new Set(), isAway: false, atOnce: 0, mostAtOnce: 0 });
    unknown = new UnknownKeys(PER_MINUTE, () => clock.now);
    exposed = new ExposedKeys({
      report: async (key) => {
        issuer.mostAtOnce = Math.max(issuer.mostAtOnce, (issuer.atOnce += 1));
        await turn();
        issuer.atOnce -= 1;
        if (issuer.isAway || issuer.refuses.has(key)) throw new Error('it did not arrive');
        issuer.reported.push(key);
      },
      isKnown: (key) => key.startsWith('known'),
      mayGuess: (address) => unknown.mayGuess(address),
      monotonic: () => clock.now,
    });
  });

  it('are each reported once an hour, one after another', async () => {
    for (const key of ['known-1', 'made-up', 'known-1', 'known-2']) exposed.seen(key, '192.0.2.1');
    await exposed.send();
    exposed.seen('known-1', '192.0.2.1');
    await exposed.send();
    expect([issuer.reported, issuer.mostAtOnce]).toEqual([['known-1', 'made-up', 'known-2'], 1]);
    clock.now += HOUR;
    exposed.seen('known-1', '192.0.2.1');
    await exposed.send();
    expect(issuer.reported.slice(3)).toEqual(['known-1']);
  });

  it('wait while the issuer is unavailable, and none waits behind one that the issuer refuses', async () => {
    issuer.isAway = true;
    issuer.refuses.add('known-1');
    for (const key of ['known-1', 'known-2']) exposed.seen(key, '192.0.2.1');
    await expect(exposed.send()).rejects.toThrow('it did not arrive');
    issuer.isAway = false;
    await exposed.send().catch(() => undefined);
    await exposed.send().catch(() => undefined);
    expect(issuer.reported).toEqual(['known-2']);
    issuer.refuses.clear();
    await exposed.send();
    expect(issuer.reported).toEqual(['known-2', 'known-1']);
  });

  it('are reported for a network only as often as it may guess, however many it makes up; those known here always', async () => {
    for (const address of ['192.0.2.1', '2001:db8::1', undefined]) {
      for (let count = 0; count < 50; count += 1) exposed.seen(`${String(address)}-${String(count)}`, address);
    }
    exposed.seen('known-1', '192.0.2.1');
    await exposed.send();
    expect(issuer.reported).toHaveLength(3 * PER_MINUTE + 1);
    expect(issuer.reported.at(-1)).toBe('known-1');
    expect(() => {
      unknown.check('another', '192.0.2.1');
    }).toThrow(expect.objectContaining({ code: 'API_KEYS_GUESSED' }));
  });

  it('wait, at most a thousand, plus those known here', async () => {
    issuer.isAway = true;
    for (let count = 0; count < 2_000; count += 1)
      exposed.seen(`made-up-${String(count)}`, `198.51.100.${String(count)}`);
    exposed.seen('known-1', '192.0.2.1');
    await expect(exposed.send()).rejects.toThrow('it did not arrive');
    issuer.isAway = false;
    await exposed.send();
    expect([issuer.reported.length, issuer.reported.includes('known-1')]).toEqual([1_001, true]);
  });
});
