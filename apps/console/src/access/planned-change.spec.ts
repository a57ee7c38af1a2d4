import { endOfKey, endsSoon, isOld, leftText, warningBound } from './expiry.js';
import { accessSearchOf } from './access-search.js';
import { apiKeyChange } from './api-key-changes.js';
import { clientChange } from './client-changes.js';
import { keyChange } from './key-changes.js';
import { endOfDelegation, personChange } from './person-changes.js';
import { wordOf } from './planned-change.js';
import { revocationOf } from './revocation-changes.js';
import { sentencesOf } from './preview-sentences.js';

const DAY = 86_400_000;
const now = Date.parse('2026-11-26T12:00:00Z');
const inDays = (days: number): string => new Date(now + days * DAY).toISOString();

const session = {
  ...{ id: 's-1', device: 'Firefox on Linux', network: '192.0.2.0/24' },
  ...{ authenticated_at: inDays(-1), seen_at: inDays(0) },
};

describe('a change to access', () => {
  it('that refuses something is previewed, and asks for the name; one that refuses nothing is only confirmed', () => {
    const refusing = [
      clientChange.disable('shop'),
      clientChange.revoke('shop'),
      apiKeyChange.disable('k', 'nightly'),
      apiKeyChange.revoke('k', 'nightly'),
      keyChange.revoke('keys', 'kid'),
      endOfDelegation('d', 'Carol', 'corner-shop'),
      revocationOf('subject', 'person:1'),
      personChange.endSessions('person:1', 'Carol'),
      personChange.disable('person:1', 'Carol'),
      personChange.endSession('person:1', 'Carol', session),
    ];
    for (const one of refusing) expect([one.word === undefined, one.refuses === undefined]).toEqual([false, false]);
    const others = [
      clientChange.enable('shop'),
      apiKeyChange.enable('k', 'n'),
      apiKeyChange.rotate('k', 'n'),
      keyChange.rotate('keys'),
      personChange.enable('person:1', 'Carol'),
    ];
    for (const one of others) expect([one.word, one.refuses]).toEqual([undefined, undefined]);
  });

  it('that removes a key or a secret needs confirmation, and has no preview: what was issued stays', () => {
    for (const one of [clientChange.removeKey('shop', 'key-1'), clientChange.removeSecret('shop', 'secret-1')]) {
      expect([one.method, one.refuses]).toEqual(['DELETE', undefined]);
      expect(one.word).toMatch(/-1$/);
      expect(one.path).toMatch(/^admin\/clients\/shop\/(keys|secrets)\/[a-z]+-1$/);
    }
  });

  it('never puts a raw name into a path', () => {
    expect(clientChange.disable('a/../b?c').path).toBe('admin/clients/a%2F..%2Fb%3Fc/disable');
    const { path } = personChange.endSession('person:1', 'Carol', { ...session, id: '../s' });
    expect(path).toBe('admin/people/person%3A1/sessions/..%2Fs/end');
  });

  it('asks for the end of a name that is too long to type', () => {
    expect(wordOf('corner-shop')).toBe('corner-shop');
    expect(wordOf('0190a000-0000-7000-8000-00000000abcd')).toBe('0000abcd');
  });

  it('asks for the end of the id if a name cannot be typed', () => {
    expect(wordOf('till\u202e', '0190a000-0000-7000-8000-00000000abcd')).toBe('0000abcd');
  });

  it('says in words what it would refuse, and what cannot be known', () => {
    const none = { delegations: 0, sessions: 0, api_keys: 0 };
    const tokens = {
      live: 1_200,
      at_least: true,
      last_expires_at: null,
      audiences: [{ audience: 'payments', live: 1_200 }],
    };
    expect(sentencesOf({ ...none, tokens })).toEqual(['At least 1,200 live tokens will be refused: payments (1,200).']);
    expect(sentencesOf({ ...none, tokens: null })[0]).toMatch(/keeps no record/);
    expect(
      sentencesOf({ delegations: 1, sessions: 2, api_keys: 0, tokens: { ...tokens, live: 0, audiences: [] } }),
    ).toEqual([
      'It refuses no live tokens.',
      'It also affects 1 permission that a person gave, 2 sessions of the person.',
    ]);
  });
});

describe('an approaching expiry', () => {
  it('gets a warning for fourteen days, and not after it', () => {
    expect([-1, 0, 1, 13.9, 14, 15].map((days) => endsSoon(inDays(days), now))).toEqual([
      false,
      false,
      true,
      true,
      false,
      false,
    ]);
    expect(warningBound(now)).toBe(inDays(14));
  });

  it("of a key is its own, or the end of its rotation's grace period, whichever comes first", () => {
    expect(endOfKey({ expires_at: inDays(9) })).toBe(inDays(9));
    expect(endOfKey({ expires_at: inDays(9), ends_at: inDays(1) })).toBe(inDays(1));
    expect(endOfKey({ expires_at: inDays(1), ends_at: inDays(9) })).toBe(inDays(1));
  });

  it('of a secret, which has none, is its age', () => {
    const now = Date.UTC(2026, 10, 1);
    expect(isOld(new Date(now - 179 * 86_400_000).toISOString(), now)).toBe(false);
    expect(isOld(new Date(now - 181 * 86_400_000).toISOString(), now)).toBe(true);
  });

  it('is said in words', () => {
    const left = [0, 0.01, 1 / 24, 1.5, 2, 13.9].map((days) => leftText(inDays(days), now));
    expect(left).toEqual(['over', 'less than an hour', '1 hour', '36 hours', '2 days', '13 days']);
  });
});

describe('the address of the access screen', () => {
  it('keeps known parameters and ignores others', () => {
    expect(accessSearchOf({ part: 'keys', kind: 'nothing', client: 'x'.repeat(129), asked: 'yes' })).toEqual({
      part: 'keys',
      asked: 'yes',
    });
  });
});
